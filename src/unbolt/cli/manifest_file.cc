#include "unbolt/cli/manifest_file.h"

#include <cstdlib>
#include <filesystem>

#include "unbolt/cli/output.h"
#include "unbolt/cli/providers.h"

namespace unbolt::cli {

control::ManifestContext manifest_context(Variables variables) {
  control::ManifestContext context;
  context.schemes = provider_tables().schemes();
  if (variables == Variables::Environment) {
    context.variable = [](std::string_view name) -> std::optional<std::string> {
      const char* value = std::getenv(std::string(name).c_str());
      if (!value) return std::nullopt;
      return value;
    };
  }
  return context;
}

Result<control::DesiredState> read_manifest(const std::string& file_or_folder) {
  std::error_code failure;
  const std::string path = std::filesystem::is_directory(file_or_folder, failure)
                               ? (std::filesystem::path(file_or_folder) / "unbolt.yaml").string()
                               : file_or_folder;
  auto bytes = read_file(path);
  if (!bytes) {
    if (bytes.error().code == ErrorCode::NotFound) {
      return std::unexpected(std::move(bytes).error().with_hint(
          "name the manifest, or write one: docs/manifest.md; `unbolt run FILE` needs none"));
    }
    return std::unexpected(std::move(bytes).error());
  }
  const auto folder = std::filesystem::absolute(path, failure).parent_path();
  if (failure) return fail(ErrorCode::Io, "{}: {}", path, failure.message());
  auto state = control::parse_manifest(as_text(*bytes), path, folder.lexically_normal(),
                                       manifest_context(Variables::Environment));
  if (!state) return std::unexpected(state.error().to_error());
  return std::move(*state);
}

}  // namespace unbolt::cli
