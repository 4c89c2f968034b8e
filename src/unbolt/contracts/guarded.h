// What a resource of a contract was opened as, for grants that are about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace unbolt::contracts {

// The base of the host's objects that stand for such a resource (`ResourceTag::guarded`): a bucket,
// a container. Belongs to one instance, on its loop.
struct Guarded {
  using GuardedPart = Guarded;
  std::string name;  // of the bucket or container
  // Which of the component's guarded functions may be called on it, by their numbers in its guard
  // (claims_guard.h): found out when one is first called.
  std::optional<std::uint64_t> granted = std::nullopt;
};

}  // namespace unbolt::contracts
