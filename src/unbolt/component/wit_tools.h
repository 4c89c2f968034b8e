// The reference tools for who writes components: WIT as text, bindings for guests, and a component
// of what a compiler made. They block, and read and write no files but those that are named.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"

namespace unbolt::component {

// The WIT of a component or of a package in its binary form; `Package` alone, or with all that it
// uses, nested. InvalidFile where it is neither.
enum class WitExtent : std::uint8_t { Package, Everything };
Result<std::string> wit_text(ByteView bytes, WitExtent extent);

// A world: one of a package's folder (with what it uses in its folder deps/) or file; without a
// name its only one.
struct WorldPlace {
  std::string wit;
  std::optional<std::string> world;
};

// The files of the bindings, by their relative paths. `language`: "c" (also for C++ and Zig), "go".
Result<std::map<std::string, std::string>> bindings(const std::string& language,
                                                    const WorldPlace& world);

// Makes a component of a core module that was written for this world, or without one for that which
// its bindings note in it. What imports preview1 gets the adapter for it.
Result<Bytes> make_component(ByteView module, const std::optional<WorldPlace>& world);

}  // namespace unbolt::component
