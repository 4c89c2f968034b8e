#include "unbolt/providers/blob_files/names.h"

#include <algorithm>

namespace unbolt::providers::blob_files {
namespace {

constexpr std::size_t kLongest = 240;
constexpr std::string_view kDigits = "0123456789ABCDEF";

bool stands_as_it_is(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

std::string to_path(std::string_view name) {
  std::string path;
  path.reserve(name.size() + 16);
  std::size_t length = 0;  // of the file name that is being written
  for (const char c : name) {
    if (length + 3 > kLongest) {
      path += "+/";
      length = 0;
    }
    if (stands_as_it_is(c) && (c != '.' || length > 0)) {
      path += c;
      ++length;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      path += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
      length += 3;
    }
  }
  return path;
}

std::optional<std::string> from_path(std::string_view path) {
  std::string name;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '+' && i + 1 < path.size() && path[i + 1] == '/') {
      ++i;
    } else if (path[i] != '%') {
      name += path[i];
    } else {
      if (i + 2 >= path.size()) return std::nullopt;
      const auto high = kDigits.find(path[i + 1]), low = kDigits.find(path[i + 2]);
      if (high == kDigits.npos || low == kDigits.npos) return std::nullopt;
      name += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  if (name.empty() || to_path(name) != path) return std::nullopt;
  return name;
}

}  // namespace unbolt::providers::blob_files
