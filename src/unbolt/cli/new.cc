#include "unbolt/cli/new.h"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

#include "unbolt/cli/output.h"
#include "unbolt/cli/wit.h"
#include "unbolt/component/wit_tools.h"
#include "unbolt/contracts/declarations.h"
#include "unbolt/project/templates.h"
#include "unbolt/project/toolchains.h"

namespace unbolt::cli {
namespace {

namespace fs = std::filesystem;

// "wasi:http@0.2.12" and its text, of the packages that are built into the program.
std::map<std::string, std::string> known_packages() {
  std::map<std::string, std::string> known;
  for (const ByteView bytes : contracts::wit_packages()) {
    auto text = component::wit_text(bytes, component::WitExtent::Package);
    if (!text) continue;
    constexpr std::string_view kPackage = "package ";
    const auto at = text->find(kPackage);
    if (at == text->npos) continue;
    const auto name = at + kPackage.size();
    known.emplace(text->substr(name, text->find(';', name) - name), std::move(*text));
  }
  return known;
}

// Whether a text names an interface of a package: "wasi:http/types@0.2.12".
bool names(std::string_view text, std::string_view package) {
  const std::string path = std::string(package.substr(0, package.find('@'))) + "/";
  const std::string_view version =
      package.contains('@') ? package.substr(package.find('@')) : std::string_view{};
  for (std::size_t at = 0; (at = text.find(path, at)) != text.npos; ++at) {
    const auto end = std::min(text.find_first_of("@;.{} \n", at), text.size());
    const std::string_view rest = text.substr(end);
    if (version.empty() ? !rest.starts_with('@') : rest.starts_with(version)) return true;
  }
  return false;
}

// What a world uses, directly or not, as files for its folder wit/deps.
std::map<std::string, std::string> dependencies(const std::string& world) {
  const auto known = known_packages();
  std::map<std::string, std::string> files;
  std::vector<const std::string*> open{&world};
  while (!open.empty()) {
    const std::string& text = *open.back();
    open.pop_back();
    for (const auto& [package, of] : known) {
      if (!names(text, package)) continue;
      std::string file = package.substr(0, package.find('@'));
      std::ranges::replace(file, ':', '-');
      if (files.emplace(file + ".wit", of).second) open.push_back(&of);
    }
  }
  return files;
}

bool is_name(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= 63 && lower(name[0]) &&
         std::ranges::all_of(
             name, [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '-'; });
}

Result<> write_new(const fs::path& path, std::string_view text) {
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  if (failure)
    return fail(ErrorCode::Io, "cannot make '{}': {}", path.parent_path().string(),
                failure.message());
  return write_file(path.string(), text);
}

}  // namespace

int new_command(const NewOptions& options) {
  const std::string name = fs::path(options.name).filename().string();
  if (!is_name(name)) {
    return report({ErrorCode::InvalidArgument,
                   fmt::format("'{}' is no name of a project: a lower-case letter, then such "
                               "letters, digits and '-', at most 63",
                               options.name),
                   ""});
  }
  const project::Toolchain tools = project::find_toolchain(options.language);
  auto words = tools.words;
  words["NAME"] = name;
  words["CRATE"] = name;
  std::ranges::replace(words["CRATE"], '-', '_');
  auto made = project::make_template(options.language, options.kind, words);
  if (!made) return report(made.error());
  const fs::path folder = options.name;
  std::error_code failure;
  if (fs::exists(folder, failure)) {
    return report({ErrorCode::Conflict, fmt::format("'{}' is there already", folder.string()),
                   "take another name, or remove it"});
  }
  if (made->has_world()) {
    for (auto& [file, text] : dependencies(made->files.at("wit/world.wit")))
      made->files.emplace("wit/deps/" + file, std::move(text));
  }
  for (const auto& [path, text] : made->files) {
    if (auto written = write_new(folder / path, text); !written) return report(written.error());
  }
  std::printf("made %s: %s, %s\n", folder.c_str(), options.language.c_str(), options.kind.c_str());
  if (!tools.missing.empty()) {
    std::printf("to build it: %s\n", tools.missing.c_str());
  } else {
    std::printf("built with %s\n", tools.found.c_str());
  }
  if (options.kind == "cli") {
    std::printf("next: unbolt build %s\n", folder.c_str());
  } else {
    std::printf("next: unbolt dev %s\n", folder.c_str());
  }
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

int doctor_command(const DoctorOptions& options) {
  auto all = nlohmann::ordered_json::array();
  for (const std::string& language : project::known_languages()) {
    const auto tools = project::find_toolchain(language);
    const auto kinds = project::template_kinds(language);
    if (options.output == "json") {
      all.push_back({{"language", language},
                     {"ready", tools.missing.empty()},
                     {"found", tools.found},
                     {"missing", tools.missing},
                     {"templates", kinds}});
      continue;
    }
    std::printf("%-7s %-7s %s\n", language.c_str(), tools.missing.empty() ? "ready" : "missing",
                (tools.missing.empty() ? tools.found : tools.missing).c_str());
    std::printf("%15s templates: %s\n", "",
                kinds.empty() ? "none yet" : fmt::format("{}", fmt::join(kinds, ", ")).c_str());
    std::fflush(stdout);
  }
  if (options.output == "json") std::printf("%s\n", all.dump(2).c_str());
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

}  // namespace unbolt::cli
