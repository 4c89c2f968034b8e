#include "unbolt/providers/kv_nats/names.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>
#include <iterator>

namespace unbolt::providers::nats_kv {
namespace {

// A subject stands twice in a line of the protocol, which has 4 KiB.
constexpr std::size_t kLongest = 1000;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string encode(std::string_view bytes) {
  if (bytes.empty()) return "=";
  std::string token;
  for (char c : bytes) {
    if (is_plain(c))
      token += c;
    else
      fmt::format_to(std::back_inserter(token), "={:02X}", static_cast<unsigned char>(c));
  }
  return token;
}

std::optional<std::string> decode(std::string_view token) {
  std::string bytes;
  if (token == "=") return bytes;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '=') {
      bytes += token[i];
      continue;
    }
    if (i + 2 >= token.size()) return std::nullopt;
    const int high = hex(token[i + 1]), low = hex(token[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return bytes;
}

std::string key_token(std::string_view key) {
  if (key.size() <= kLongest) {
    auto token = encode(key);
    if (token.size() <= kLongest) return token;
  }
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  std::string token = "=h";
  for (unsigned char byte : digest) fmt::format_to(std::back_inserter(token), "{:02x}", byte);
  return token;
}

bool is_digest(std::string_view token) { return token.starts_with("=h"); }

std::optional<Place> place_of(std::string_view subject, std::string_view prefix,
                              std::optional<std::string_view> header) {
  if (!subject.starts_with(prefix)) return std::nullopt;
  subject.remove_prefix(prefix.size());
  const auto dot = subject.find('.');
  if (dot == subject.npos) return std::nullopt;
  const auto token = subject.substr(dot + 1);
  if (is_digest(token) && !header) return std::nullopt;
  auto bucket = decode(subject.substr(0, dot));
  auto key = decode(is_digest(token) ? *header : token);
  if (!bucket || !key) return std::nullopt;
  return Place{std::move(*bucket), std::move(*key)};
}

}  // namespace unbolt::providers::nats_kv
