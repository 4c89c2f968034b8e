#include "unbolt/contracts/secrets.h"

#include <string.h>

namespace unbolt::contracts {

void wipe(std::span<std::uint8_t> bytes) {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
}

Secret::~Secret() { wipe(value_); }

}  // namespace unbolt::contracts
