// Many values with few requests.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "unbolt/providers/kv_nats/entries.h"

namespace unbolt::providers::nats_kv {

using Values = std::vector<std::optional<Bytes>>;

// How many make it worth while, and how many may be asked for.
constexpr std::size_t kLeastTogether = 8, kMostTogether = 1000;

// Blocks. The values of these subjects. None: this server does not give them together (servers do
// since 2.11), or not all of them; each is to be read by itself. LimitExceeded where they are more
// than one answer may hold.
Result<std::optional<Values>> read_together(const Store& store,
                                            std::span<const std::string> subjects);

}  // namespace unbolt::providers::nats_kv
