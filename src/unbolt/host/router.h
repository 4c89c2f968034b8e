// Which component answers a request: by host and path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "unbolt/base/error.h"

namespace unbolt::host {

// The number of a component in the data plane.
enum class TargetId : std::uint32_t {};

struct Route {
  std::string host;  // "" any, "shop.example", "*.shop.example": any name below it
  std::string path;  // "/shop": itself and what is below it
  TargetId to{};
};

// Immutable, shared by all loops. A look-up costs what the request's host and path cost, however
// many routes there are.
class RouteTable {
 public:
  // Conflict where two routes have the same host and path.
  static Result<RouteTable> make(const std::vector<Route>& routes);

  // `authority` as in the request (any case, with or without a port), `target` its path and query.
  // The most exact host wins (the name itself, a pattern with the longest suffix, any host), then
  // the longest path.
  std::optional<TargetId> find(std::string_view authority, std::string_view target) const;

  std::size_t size() const { return size_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <class T>
  using Map = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  // The routes of one host, by path without the slash at its end; "" is "/".
  struct Paths {
    Map<TargetId> targets;
    std::size_t most_segments = 0;
    std::optional<TargetId> find(std::string_view path) const;
  };

  Map<Paths> hosts_;     // lower case
  Map<Paths> suffixes_;  // ".shop.example"
  Paths any_;
  std::size_t size_ = 0;
};

}  // namespace unbolt::host
