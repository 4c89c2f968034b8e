#include "unbolt/project/templates.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>

// cmake/UnboltTemplates.cmake
#define UNBOLT_TEMPLATE(number, path)               \
  extern "C" const char unbolt_template_##number[]; \
  extern "C" const char unbolt_template_##number##_end[];
#include <templates.inc>
#undef UNBOLT_TEMPLATE

namespace unbolt::project {
namespace {

struct File {
  std::string_view path;  // "c/http/main.c"
  const char *begin, *end;
  std::string_view text() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

const File kFiles[] = {
#define UNBOLT_TEMPLATE(number, path) \
  {path, unbolt_template_##number, unbolt_template_##number##_end},
#include <templates.inc>
#undef UNBOLT_TEMPLATE
};

constexpr std::string_view kCommon = "common", kWeb = "web", kWorlds = "wit";

// "a/b/c" → "a", "b/c".
std::pair<std::string_view, std::string_view> split(std::string_view path) {
  const auto slash = std::min(path.find('/'), path.size());
  return {path.substr(0, slash), path.substr(std::min(slash + 1, path.size()))};
}

std::string fill_in(std::string_view text, const std::map<std::string, std::string>& words) {
  std::string out;
  while (!text.empty()) {
    const auto at = text.find('@');
    out += text.substr(0, at);
    if (at == text.npos) break;
    text.remove_prefix(at);
    const auto end = text.find('@', 1);
    const auto word =
        end == text.npos ? words.end() : words.find(std::string(text.substr(1, end - 1)));
    if (word == words.end()) {
      out += text[0];
      text.remove_prefix(1);
    } else {
      out += word->second;
      text.remove_prefix(end + 1);
    }
  }
  return out;
}

// "_gitignore" → ".gitignore": what is hidden in a project is not in the repository.
std::string shown_name(std::string_view path) {
  std::string result(path);
  for (std::size_t at = 0; at < result.size(); ++at) {
    if (result[at] == '_' && (at == 0 || result[at - 1] == '/')) result[at] = '.';
  }
  return result;
}

}  // namespace

std::vector<std::string> template_languages() {
  std::set<std::string> found;
  for (const File& file : kFiles) found.emplace(split(file.path).first);
  found.erase(std::string(kWorlds));
  return {found.begin(), found.end()};
}

std::vector<std::string> template_kinds(std::string_view language) {
  std::set<std::string> found;
  for (const File& file : kFiles) {
    const auto [of, rest] = split(file.path);
    if (of == language) found.emplace(split(rest).first);
  }
  found.erase(std::string(kCommon));
  found.erase(std::string(kWeb));
  return {found.begin(), found.end()};
}

Result<Template> make_template(std::string_view language, std::string_view kind,
                               const std::map<std::string, std::string>& words) {
  const auto languages = template_languages();
  if (std::ranges::find(languages, language) == languages.end()) {
    return fail(ErrorCode::NotFound, "there are no templates for '{}' yet: there are some for {}",
                language, fmt::join(languages, ", "));
  }
  const auto kinds = template_kinds(language);
  if (std::ranges::find(kinds, kind) == kinds.end()) {
    return fail(ErrorCode::NotFound, "there is no template {} for {} yet: there {} {}", kind,
                language, kinds.size() == 1 ? "is" : "are", fmt::join(kinds, ", "));
  }
  Template result;
  // What came first stays.
  const auto add = [&](std::string_view of, std::string_view folder) {
    const std::string prefix = fmt::format("{}/{}/", of, folder);
    for (const File& file : kFiles) {
      if (file.path.starts_with(prefix))
        result.files.emplace(shown_name(file.path.substr(prefix.size())),
                             fill_in(file.text(), words));
    }
  };
  add(language, kind);
  const std::string world = fmt::format("{}/{}.wit", kWorlds, kind);
  for (const File& file : kFiles) {
    if (file.path == world) result.files.emplace("wit/world.wit", fill_in(file.text(), words));
  }
  if (!result.has_world()) return result;
  add(language, kCommon);
  // The C of wasi:http serves Zig, too, which compiles it.
  if (result.files.at("wit/world.wit").contains("wasi:http/"))
    add(language == "zig" ? "c" : language, kWeb);
  return result;
}

}  // namespace unbolt::project
