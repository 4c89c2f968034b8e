#include "unbolt/host/router.h"

#include <algorithm>
#include <utility>

namespace unbolt::host {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(c - 'A' < 26u ? c + 32 : c); });
  return result;
}

std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

std::size_t segments(std::string_view path) {
  return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

}  // namespace

Result<RouteTable> RouteTable::make(const std::vector<Route>& routes) {
  RouteTable table;
  for (const Route& route : routes) {
    if (!route.path.starts_with('/')) {
      return fail(ErrorCode::InvalidArgument, "the path of a route begins with '/': '{}'",
                  route.path);
    }
    const std::string host = lower(route.host);
    Paths& paths = host.empty()            ? table.any_
                   : host.starts_with("*") ? table.suffixes_[host.substr(1)]
                                           : table.hosts_[host];
    std::string path = route.path;
    while (path.ends_with('/')) path.pop_back();
    paths.most_segments = std::max(paths.most_segments, segments(path));
    if (!paths.targets.emplace(path, route.to).second) {
      return fail(ErrorCode::Conflict, "two routes for {}{}", host.empty() ? "any host, " : host,
                  route.path);
    }
    ++table.size_;
  }
  return table;
}

std::optional<TargetId> RouteTable::Paths::find(std::string_view path) const {
  if (targets.empty()) return std::nullopt;
  // Longer than any route is needs no look.
  std::size_t end = 0;
  for (std::size_t count = 0; end < path.size(); ++end) {
    if (path[end] == '/' && ++count > most_segments) break;
  }
  path = path.substr(0, end);
  while (true) {
    if (const auto found = targets.find(path); found != targets.end()) return found->second;
    const auto slash = path.rfind('/');
    if (path.empty()) return std::nullopt;
    path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
}

std::optional<TargetId> RouteTable::find(std::string_view authority,
                                         std::string_view target) const {
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  if (!hosts_.empty() || !suffixes_.empty()) {
    const std::string host = lower(without_port(authority));
    if (const auto paths = hosts_.find(host); paths != hosts_.end()) {
      if (const auto found = paths->second.find(path)) return found;
    }
    if (!suffixes_.empty()) {
      for (auto dot = host.find('.'); dot != std::string::npos; dot = host.find('.', dot + 1)) {
        const auto paths = suffixes_.find(std::string_view(host).substr(dot));
        if (paths == suffixes_.end()) continue;
        if (const auto found = paths->second.find(path)) return found;
      }
    }
  }
  return any_.find(path);
}

}  // namespace unbolt::host
