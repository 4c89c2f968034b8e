#include "unbolt/cli/project.h"

#include <algorithm>
#include <array>

#include "unbolt/cli/manifest_file.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/wit.h"
#include "unbolt/component/decoder.h"
#include "unbolt/component/wit_tools.h"

namespace unbolt::cli {
namespace {

namespace fs = std::filesystem;

// What folders are called in which nothing but outputs lies.
constexpr std::array<std::string_view, 8> kOutputFolders = {"build", "dist",   "out",   "bin",
                                                            "obj",   "target", "debug", "release"};

}  // namespace

std::vector<fs::path> Project::outputs() const {
  std::vector<fs::path> outputs;
  for (const auto& [name, build] : builds) {
    const fs::path image = desired.components.at(name).image;
    outputs.push_back(image);
    const std::string parent = image.parent_path().filename().string();
    if (std::ranges::find(kOutputFolders, parent) != kOutputFolders.end())
      outputs.push_back(image.parent_path());
  }
  return outputs;
}

Result<Project> read_project(const std::string& file_or_folder) {
  Project project;
  UNBOLT_ASSIGN(project.desired, read_manifest(file_or_folder));
  std::error_code failure;
  const fs::path given = fs::absolute(file_or_folder, failure).lexically_normal();
  project.manifest = fs::is_directory(given, failure) ? given / "unbolt.yaml" : given;
  project.folder = project.manifest.parent_path();
  UNBOLT_ASSIGN(const auto bytes, read_file(project.manifest.string()));
  auto builds = control::parse_builds(as_text(bytes), project.manifest.string(), project.folder,
                                      manifest_context(Variables::Environment));
  if (!builds) return std::unexpected(builds.error().to_error());
  project.builds = std::move(*builds);
  return project;
}

std::string first_line_of(const std::string& command) {
  const auto end = command.find('\n');
  if (end == command.npos || end + 1 == command.size()) return command.substr(0, end);
  return command.substr(0, end) + " …";
}

std::map<std::string, std::string> build_environment(bool colours) {
  std::map<std::string, std::string> environment;
  std::error_code failure;
  const auto program = fs::read_symlink("/proc/self/exe", failure);
  environment["UNBOLT"] = failure ? "unbolt" : program.string();
  if (colours) environment["CARGO_TERM_COLOR"] = environment["CLICOLOR_FORCE"] = "always";
  return environment;
}

Result<> finish_build(const std::string& image) {
  auto bytes = read_file(image);
  if (!bytes && bytes.error().code == ErrorCode::NotFound) {
    return std::unexpected(Error{ErrorCode::Conflict,
                                 fmt::format("the build ended well, and there is no '{}'", image),
                                 "the manifest's image is where its build leaves the component"});
  }
  if (!bytes) return std::unexpected(std::move(bytes).error());
  if (component::file_kind(*bytes) != component::FileKind::CoreModule) return {};
  const auto made = component::make_component(*bytes, std::nullopt);
  if (!made) return std::unexpected(Error(made.error()).in(image));
  return write_file(image, as_text(*made));
}

}  // namespace unbolt::cli
