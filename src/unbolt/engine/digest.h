// SHA-256, plain and keyed.
#pragma once

#include <array>
#include <cstdint>

#include "unbolt/base/bytes.h"

namespace unbolt::engine {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(ByteView bytes);
// RFC 2104. `key` is no longer than a block (64 bytes).
Digest hmac_sha256(ByteView key, ByteView text);

}  // namespace unbolt::engine
