// Names of interfaces and their versions: "wasi:io/streams@0.2.0".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace unbolt::component {

// The part before '@', and the version after it ("" where there is none). Views into `name`.
struct InterfaceName {
  std::string_view path;
  std::string_view version;
};
InterfaceName split_version(std::string_view name);

// The compatible line that a versioned name belongs to (semver): "wasi:io/streams@0.2.12" →
// "wasi:io/streams@0.2", "a:b/c@1.4.0" → "a:b/c@1"; below 0.1 and for pre-releases only the version
// itself is compatible.
std::string track_of(std::string_view name);

// Whether `contract` means the interface: "a:b/c@1.2.0" does by semver, "a:b/c" in every version,
// and "a:b" or "a:b@1.2.0" all interfaces of the package.
bool names_interface(std::string_view contract, std::string_view interface_name);

// How many letters must be put in, left out or replaced to make one of the other. Costs the product
// of their lengths.
std::size_t edits(std::string_view a, std::string_view b);

}  // namespace unbolt::component
