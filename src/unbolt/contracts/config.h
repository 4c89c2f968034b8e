// The configuration capability: what the operator tells a component.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace unbolt::contracts {

using ConfigValues = std::map<std::string, std::string, std::less<>>;

// What a provider of `wasi:config` implements. Shared by all loops: every function is thread-safe
// and answers at once (a provider whose source is remote keeps the last values it saw).
class Config {
 public:
  virtual ~Config() = default;

  // The values as they are now, never null. They may be replaced while components run, as a whole:
  // one snapshot never changes, the next may be another.
  virtual std::shared_ptr<const ConfigValues> snapshot() const = 0;

  std::optional<std::string> get(std::string_view key) const {
    auto values = snapshot();
    auto found = values->find(key);
    if (found == values->end()) return std::nullopt;
    return found->second;
  }
};

// The values of both; those of `upper` where both have one. `upper` may be null.
std::shared_ptr<Config> layered(std::shared_ptr<Config> upper, std::shared_ptr<Config> lower);

}  // namespace unbolt::contracts
