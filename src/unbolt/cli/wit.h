// The commands around WIT and builds of components: what a file's WIT is, bindings for guests, and
// a component of a core module. What `unbolt build` is made of, for build commands of one's own.
#pragma once

#include <optional>
#include <string>

#include "unbolt/base/error.h"

namespace unbolt::cli {

struct WitOptions {
  std::string file;
};
int wit_command(const WitOptions& options);

struct BindgenOptions {
  std::string language;
  std::string wit = "wit";
  std::optional<std::string> world;
  std::string out = ".";
};
int bindgen_command(const BindgenOptions& options);

struct ComponentizeOptions {
  std::string module;
  std::optional<std::string> wit, world;
  std::string out;  // "": in the module's place
};
int componentize_command(const ComponentizeOptions& options);

// Replaces a file as a whole: who reads it finds the old one or the new one.
Result<> write_file(const std::string& path, std::string_view bytes);

}  // namespace unbolt::cli
