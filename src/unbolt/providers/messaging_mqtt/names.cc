#include "unbolt/providers/messaging_mqtt/names.h"

#include <fmt/format.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <stdexcept>

namespace unbolt::providers::mqtt_messaging {
namespace {

std::string hexadecimal(const unsigned char* bytes) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace

std::string random_name() {
  std::array<unsigned char, 8> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("no randomness");
  return hexadecimal(bytes.data());
}

std::string digest(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> bytes{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data());
  return hexadecimal(bytes.data());
}

}  // namespace unbolt::providers::mqtt_messaging
