#include "unbolt/component/names.h"

namespace unbolt::component {

InterfaceName split_version(std::string_view name) {
  const auto at = name.rfind('@');
  if (at == std::string_view::npos) return {name, {}};
  return {name.substr(0, at), name.substr(at + 1)};
}

std::string track_of(std::string_view name) {
  const auto [path, version] = split_version(name);
  if (version.empty() || version.find_first_of("-+") != std::string_view::npos)
    return std::string(name);
  const auto first = version.find('.');
  if (first == std::string_view::npos) return std::string(name);
  const auto second = version.find('.', first + 1);
  if (second == std::string_view::npos) return std::string(name);
  const auto track = version.substr(0, first) != "0" ? version.substr(0, first)
                     : version.substr(first + 1, second - first - 1) != "0"
                         ? version.substr(0, second)
                         : version;
  return std::string(path) + "@" + std::string(track);
}

}  // namespace unbolt::component
