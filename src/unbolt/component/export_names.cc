#include "unbolt/component/export_names.h"

#include <algorithm>
#include <utility>

#include "unbolt/component/names.h"

namespace unbolt::component {
namespace {

// What a request may cost where it asks for a name that does not exist.
constexpr std::size_t kLongestMeant = 100;
constexpr std::size_t kMostCompared = 500;
constexpr std::size_t kMostNearest = 3;

// WIT's kebab-case of other habits: getMany, get_many, GET-MANY.
std::string kebab(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty() && out.back() >= 'a' && out.back() <= 'z') out += '-';
    out += c == '_' ? '-' : upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace

ExportNames::ExportNames(const Plan& plan, char separator) : plan_(plan), separator_(separator) {
  for (const auto& func : plan.exports) {
    names_[full(func)].in_full = &func;
    for (auto& name : short_names(func)) names_[std::move(name)].in_short.push_back(&func);
  }
}

std::string ExportNames::full(const ExportedFunc& func) const {
  return func.interface_name.empty() ? func.name : func.interface_name + separator_ + func.name;
}

std::vector<std::string> ExportNames::short_names(const ExportedFunc& func) const {
  const auto [path, version] = split_version(func.interface_name);
  const auto bare = path.substr(path.find('/') + 1);
  std::vector<std::string> names;
  const auto add = [&](std::string_view interface, std::string_view of_version) {
    std::string name(interface);
    if (!of_version.empty()) (name += '@') += of_version;
    if (name != func.interface_name) names.push_back(name + separator_ + func.name);
  };
  if (path.empty()) return names;
  add(bare, {});
  if (bare != path) add(path, {});
  if (bare != path && !version.empty()) add(bare, version);
  return names;
}

Result<const ExportedFunc*> ExportNames::find(std::string_view name) const {
  const auto found = names_.find(name);
  if (found == names_.end()) {
    Error error{ErrorCode::NotFound,
                fmt::format("no function '{}'", name.substr(0, 2 * kLongestMeant)),
                {}};
    for (const auto& meant : nearest(name))
      error.hint += (error.hint.empty() ? "did you mean " : " or ") + meant;
    if (!error.hint.empty()) error.hint += '?';
    return std::unexpected(std::move(error));
  }
  const Meant& meant = found->second;
  if (meant.in_full) return meant.in_full;
  if (meant.in_short.size() == 1) return meant.in_short.front();
  return fail(ErrorCode::InvalidArgument, "'{}' may be {} or {}: give the whole name", name,
              full(*meant.in_short[0]), full(*meant.in_short[1]));
}

std::string ExportNames::shortest(const ExportedFunc& func) const {
  for (auto& name : short_names(func)) {
    const Meant& meant = names_.find(name)->second;
    if (!meant.in_full && meant.in_short.size() == 1) return std::move(name);
  }
  return full(func);
}

std::vector<std::string> ExportNames::nearest(std::string_view name) const {
  if (name.size() > kLongestMeant) return {};
  const std::string wanted = kebab(name);
  const auto wanted_function = std::string_view(wanted).substr(wanted.rfind(separator_) + 1);
  std::vector<std::pair<std::size_t, std::string>> found;
  for (std::size_t i = 0; i < std::min(plan_.exports.size(), kMostCompared); ++i) {
    const auto& func = plan_.exports[i];
    std::string shortest_name = shortest(func);
    if (shortest_name.size() > 2 * kLongestMeant) continue;
    // The right function of a wrong interface is one edit away.
    auto distance = std::min(edits(wanted, full(func)), 1 + edits(wanted_function, func.name));
    for (const auto& other : short_names(func)) distance = std::min(distance, edits(wanted, other));
    if (distance <= std::max<std::size_t>(1, std::min(name.size(), func.name.size()) / 3))
      found.emplace_back(distance, std::move(shortest_name));
  }
  std::ranges::sort(found);
  std::vector<std::string> names;
  for (auto& [distance, of] : found) {
    if (names.size() < kMostNearest && distance == found.front().first)
      names.push_back(std::move(of));
  }
  return names;
}

}  // namespace unbolt::component
