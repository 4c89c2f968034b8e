#include "unbolt/cli/wit.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "unbolt/base/bytes.h"
#include "unbolt/cli/output.h"
#include "unbolt/component/decoder.h"
#include "unbolt/component/wit_tools.h"
#include "unbolt/contracts/text.h"

namespace unbolt::cli {
namespace {

namespace fs = std::filesystem;

// Where the same bytes lie already, the file keeps its time: what is made of it need not be made
// again.
bool holds(const fs::path& path, std::string_view bytes) {
  std::error_code failure;
  if (fs::file_size(path, failure) != bytes.size() || failure) return false;
  const auto found = read_file(path.string());
  return found && as_text(*found) == bytes;
}

}  // namespace

Result<> write_file(const std::string& path, std::string_view bytes) {
  const std::string partial = fmt::format("{}.{}.tmp", path, ::getpid());
  errno = 0;
  std::ofstream out(partial, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out || ::rename(partial.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(partial.c_str());
    return fail(ErrorCode::Io, "cannot write '{}': {}", path, std::strerror(error));
  }
  return {};
}

int wit_command(const WitOptions& options) {
  std::signal(SIGPIPE, SIG_DFL);
  const auto bytes = read_file(options.file);
  if (!bytes) return report(bytes.error());
  switch (component::file_kind(*bytes)) {
    case component::FileKind::Component: break;
    case component::FileKind::CoreModule:
      return report({ErrorCode::InvalidFile,
                     fmt::format("{}: it is a core module, and has no WIT", options.file),
                     "unbolt componentize makes a component of it"});
    case component::FileKind::Other:
      return report(
          {ErrorCode::InvalidFile, fmt::format("{}: it is no WebAssembly file", options.file), ""});
  }
  const auto text = component::wit_text(*bytes, component::WitExtent::Everything);
  if (!text) return report(Error(text.error()).in(options.file));
  // Names and comments in it are those of a file that nobody has vouched for.
  for (std::size_t start = 0; start < text->size();) {
    const auto end = std::min(text->find('\n', start), text->size());
    fmt::print("{}\n", contracts::printable(std::string_view(*text).substr(start, end - start),
                                            std::size_t{1} << 20));
    start = end + 1;
  }
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

int bindgen_command(const BindgenOptions& options) {
  const auto files = component::bindings(options.language, {options.wit, options.world});
  if (!files) return report(files.error());
  for (const auto& [name, contents] : *files) {
    const fs::path path = fs::path(options.out) / name;
    std::error_code failure;
    fs::create_directories(path.parent_path(), failure);
    // What a module needs beside the bindings is its author's to say.
    if (name == "go.mod" && fs::exists(path, failure)) continue;
    if (holds(path, contents)) continue;
    if (auto written = write_file(path.string(), contents); !written)
      return report(written.error());
  }
  return kDone;
}

int componentize_command(const ComponentizeOptions& options) {
  const auto bytes = read_file(options.module);
  if (!bytes) return report(bytes.error());
  const std::string out = options.out.empty() ? options.module : options.out;
  switch (component::file_kind(*bytes)) {
    case component::FileKind::Component:
      if (auto written = write_file(out, as_text(*bytes)); !written) return report(written.error());
      return kDone;
    case component::FileKind::CoreModule: break;
    case component::FileKind::Other:
      return report({ErrorCode::InvalidFile,
                     fmt::format("{}: it is no WebAssembly file", options.module), ""});
  }
  std::optional<component::WorldPlace> world;
  if (options.wit) world = component::WorldPlace{*options.wit, options.world};
  const auto made = component::make_component(*bytes, world);
  if (!made) return report(Error(made.error()).in(options.module));
  if (auto written = write_file(out, as_text(*made)); !written) return report(written.error());
  return kDone;
}

}  // namespace unbolt::cli
