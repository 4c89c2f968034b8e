// The names that a store uses in its database: see README.md.
#pragma once

#include <string>
#include <string_view>

#include "unbolt/providers/kv_redis/options.h"

namespace unbolt::providers::redis {

class Names {
 public:
  explicit Names(const KvRedisOptions& options) : prefix_(options.prefix) {}

  // A hash: the values of a bucket by their keys.
  std::string values(std::string_view bucket) const { return with("values:", bucket); }
  // A sorted set: the keys of a bucket, all with the score 0, and so in the order of their bytes.
  std::string keys(std::string_view bucket) const { return with("keys:", bucket); }
  // A sorted set, as that of the keys: the buckets that hold keys.
  std::string buckets() const { return with("buckets", {}); }
  // Where changes are published.
  std::string channel() const { return with("changes", {}); }

 private:
  std::string with(std::string_view what, std::string_view name) const {
    return std::string(prefix_).append(what).append(name);
  }
  const std::string& prefix_;
};

}  // namespace unbolt::providers::redis
