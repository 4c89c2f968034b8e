#include "unbolt/component/names.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

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

bool names_interface(std::string_view contract, std::string_view interface_name) {
  const auto [wanted, version] = split_version(contract);
  const auto [path, own_version] = split_version(interface_name);
  const bool package = wanted.find('/') == std::string_view::npos;
  if (wanted != (package ? path.substr(0, path.find('/')) : path)) return false;
  return version.empty() ||
         track_of(contract) == track_of(std::string(wanted) + "@" + std::string(own_version));
}

std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace unbolt::component
