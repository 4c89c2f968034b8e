// What a manifest says relative to its folder, made absolute.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"
#include "unbolt/contracts/provider_url.h"

namespace unbolt::control {

// All of them leave alone what is absolute. InvalidArgument where it is no path, or not UTF-8.
Result<std::string> absolute_path(std::string_view path, const std::filesystem::path& base);

// A path that begins with '.' or '/' or ends in ".wasm", or REGISTRY/REPOSITORY[:TAG][@DIGEST].
Result<std::string> absolute_image(std::string_view image, const std::filesystem::path& base);

// `url` is what `text` was parsed to; its path is a file's.
Result<std::string> absolute_url(std::string_view text, const contracts::ProviderUrl& url,
                                 const std::filesystem::path& base);

// A grant of a folder names it absolutely; others are checked.
Result<std::string> absolute_grant(std::string_view grant, const std::filesystem::path& base);

}  // namespace unbolt::control
