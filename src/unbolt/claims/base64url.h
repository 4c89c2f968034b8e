// Base64 for URLs without padding (RFC 4648, section 5), as tokens are written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "unbolt/base/bytes.h"

namespace unbolt::claims {

std::string base64url(ByteView bytes);
// Nothing for any other spelling than the one that base64url() gives.
std::optional<Bytes> from_base64url(std::string_view text);

}  // namespace unbolt::claims
