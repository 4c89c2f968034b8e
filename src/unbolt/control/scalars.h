// The kinds of single values in a manifest: how each is checked, described to editors, and brought
// into the form that the desired state has.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/control/manifest.h"

namespace unbolt::control {

struct ScalarContext {
  const ManifestContext& manifest;
  const std::filesystem::path& base_folder;
};

struct ScalarType {
  std::string_view name;     // "size"
  std::string_view syntax;   // for people: "a number and KiB, MiB or GiB"
  std::string_view pattern;  // for schemas, a regular expression of ECMA-262; "": any text
  // What editors, to which YAML's numbers and booleans are no text, let stand too.
  enum class Or : std::uint8_t { Nothing, Number, Anything } also = Or::Nothing;
  bool variables = false;  // ${NAME} is replaced
  // Makes the text canonical: absolute paths, hosts in lower case. InvalidArgument without
  // passwords in it. What it makes, it leaves as it is.
  Result<std::string> (*read)(std::string_view text, const ScalarContext& context);
};

extern const ScalarType kName, kImage, kDigest, kContract, kLinkName, kUrl, kBroker, kKey, kValue,
    kSecret, kBucket, kGrant, kCommand, kFolder, kSize, kDuration, kCount, kIsolation, kHost, kPath,
    kSubject, kGroup, kListen;

}  // namespace unbolt::control
