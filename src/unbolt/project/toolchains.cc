#include "unbolt/project/toolchains.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>

#include "unbolt/project/shell_command.h"

namespace unbolt::project {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{20};

// What Rust compiles a component with a world for, and a program of the command line.
constexpr const char *kRustComponent = "wasm32-unknown-unknown", *kRustProgram = "wasm32-wasip1";

// What a command prints, or nothing where it fails.
std::optional<std::string> ask(const std::string& text) {
  auto command = ShellCommand::start(text, "/", {{"LC_ALL", "C"}});
  if (!command) return std::nullopt;
  const auto begun = std::chrono::steady_clock::now();
  std::string out;
  const int status = command->wait(
      [&](std::string_view line) {
        if (!out.empty()) out += '\n';
        out += line;
      },
      [&] {
        if (std::chrono::steady_clock::now() - begun > kPatience) command->interrupt();
      });
  if (status != 0) return std::nullopt;
  return out;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::vector<std::string> path_folders() {
  std::vector<std::string> folders;
  std::stringstream path(std::getenv("PATH") ? std::getenv("PATH") : "/usr/bin:/bin");
  for (std::string folder; std::getline(path, folder, ':');)
    if (!folder.empty()) folders.push_back(folder);
  return folders;
}

// Every program of this name on the PATH.
std::vector<std::string> programs(const std::string& name) {
  std::vector<std::string> found;
  for (const auto& folder : path_folders())
    if (::access((folder + "/" + name).c_str(), X_OK) == 0) found.push_back(folder + "/" + name);
  return found;
}

// As it is typed: its name alone where the PATH leads to it.
std::string as_typed(const std::string& program) {
  const std::string name = fs::path(program).filename().string();
  const auto all = programs(name);
  return !all.empty() && all.front() == program ? name : program;
}

// "19.1.7" of a line that has a version in it somewhere.
std::string version_in(const std::string& text) {
  for (std::size_t at = 0; (at = text.find_first_of("0123456789", at)) != text.npos;) {
    const auto end = std::min(text.find_first_not_of("0123456789.", at), text.size());
    const std::string word = text.substr(at, end - at);
    if (word.contains('.') && word.back() != '.') return word;
    at = end;
  }
  return {};
}

bool at_least(const std::string& version, int major, int minor) {
  const int has = std::atoi(version.c_str());
  const auto dot = version.find('.');
  const int rest = dot == version.npos ? 0 : std::atoi(version.c_str() + dot + 1);
  return has > major || (has == major && rest >= minor);
}

Toolchain clang(std::string_view language) {
  const bool cpp = language == "cpp";
  Toolchain result{std::string(language), {}, {}, {}};
  std::vector<std::pair<std::string, std::string>> candidates;  // the C and the C++ compiler
  if (const char* sdk = std::getenv("WASI_SDK_PATH"))
    candidates.emplace_back(std::string(sdk) + "/bin/clang", std::string(sdk) + "/bin/clang++");
  for (const char* suffix : {"-19", "", "-21", "-20", "-18", "-17", "-16"})
    candidates.emplace_back(std::string("clang") + suffix, std::string("clang++") + suffix);
  candidates.emplace_back("/opt/wasi-sdk/bin/clang", "/opt/wasi-sdk/bin/clang++");
  std::string without_target;
  for (const auto& [c, cxx] : candidates) {
    const std::string& compiler = cpp ? cxx : c;
    if (compiler.contains('/') ? ::access(compiler.c_str(), X_OK) != 0 : programs(compiler).empty())
      continue;
    const std::string program =
        cpp ? "#include <string>\nint main() { return std::string(1, 'x').size() - 1; }\n"
            : "#include <stdlib.h>\nint main(void) { return 0; }\n";
    const std::string out = fs::temp_directory_path() / ("unbolt-" + std::to_string(::getpid()));
    const bool good = ask("cat >" + out + (cpp ? ".cc" : ".c") + " <<'END'\n" + program + "END\n" +
                          compiler + " --target=wasm32-wasi -fno-exceptions " + out +
                          (cpp ? ".cc" : ".c") + " -o " + out + ".wasm")
                          .has_value();
    for (const char* name : {".c", ".cc", ".wasm"}) ::unlink((out + name).c_str());
    if (!good) {
      without_target = without_target.empty() ? compiler : without_target;
      continue;
    }
    result.found =
        compiler + " " + version_in(first_line(ask(compiler + " --version").value_or("")));
    result.words = {{"CLANG", c}, {"CLANGXX", cxx}, {"SYSROOT", ""}};
    break;
  }
  if (result.words.empty())
    result.words = {{"CLANG", "clang-19"}, {"CLANGXX", "clang++-19"}, {"SYSROOT", ""}};
  if (result.found.empty()) {
    result.missing = without_target.empty() ? "no clang here: "
                                            : without_target + " has no " + (cpp ? "C++" : "C") +
                                                  " library for wasm32-wasi: ";
    result.missing += "apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc";
    if (cpp) result.missing += " libc++-19-dev-wasm32 libc++abi-19-dev-wasm32";
    result.missing += ", or the WASI SDK and WASI_SDK_PATH";
  } else if (programs("make").empty()) {
    result.found.clear();
    result.missing = "no make here: apt-get install make";
  }
  return result;
}

struct Cargo {
  std::string program, rustc, version, libraries;
};

// Those of 1.85 or later: edition 2024.
std::vector<Cargo> cargos() {
  std::vector<Cargo> found;
  auto folders = path_folders();
  if (const char* home = std::getenv("HOME")) folders.push_back(std::string(home) + "/.cargo/bin");
  for (const auto& folder : folders) {
    Cargo cargo{folder + "/cargo", folder + "/rustc", {}, {}};
    if (::access(cargo.program.c_str(), X_OK) != 0 || ::access(cargo.rustc.c_str(), X_OK) != 0)
      continue;
    const auto version = ask(cargo.rustc + " --version");
    const auto sysroot = ask(cargo.rustc + " --print sysroot");
    if (!version || !sysroot) continue;
    cargo.version = version_in(*version);
    if (!at_least(cargo.version, 1, 85)) continue;
    cargo.libraries = *sysroot + "/lib/rustlib";
    found.push_back(std::move(cargo));
  }
  return found;
}

bool has_library(const Cargo& cargo, const std::string& target) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(cargo.libraries + "/" + target + "/lib", failure))
    if (entry.path().filename().string().starts_with("libstd-")) return true;
  return false;
}

// How a project is built for a target, and what with. Debian has the standard library as source
// alone, a linker of its own and the C library in a folder of its own.
struct RustBuild {
  std::string command, found;
};
std::optional<RustBuild> rust_build(const std::vector<Cargo>& cargos, const std::string& target) {
  const std::string build = " build --release --target " + target;
  for (const Cargo& cargo : cargos) {
    if (has_library(cargo, target)) {
      return RustBuild{as_typed(cargo.program) + build,
                       "cargo " + cargo.version + ", with " + target};
    }
  }
  for (const Cargo& cargo : cargos) {
    if (::access((cargo.libraries + "/src/rust/library/std/Cargo.toml").c_str(), R_OK) != 0)
      continue;
    std::string linker;
    for (const char* name : {"wasm-ld-19", "wasm-ld", "rust-lld"})
      if (linker.empty() && !programs(name).empty()) linker = name;
    if (linker.empty()) continue;
    std::string variable = "CARGO_TARGET_" + target;
    std::ranges::transform(variable, variable.begin(), [](char c) {
      return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    std::string command =
        "RUSTC_BOOTSTRAP=1 RUSTC=" + cargo.rustc + " " + variable + "_LINKER=" + linker + " ";
    if (target == kRustProgram) {
      const std::string libraries = "/usr/lib/wasm32-wasi";
      if (::access((libraries + "/crt1-command.o").c_str(), R_OK) != 0) continue;
      command += variable + "_RUSTFLAGS='-C link-self-contained=no -L native=" + libraries +
                 " -C link-arg=" + libraries + "/crt1-command.o' ";
    }
    return RustBuild{command + cargo.program + build + " -Zbuild-std=std,panic_abort",
                     "cargo " + cargo.version + ", which builds the standard library too"};
  }
  return std::nullopt;
}

Toolchain rust() {
  Toolchain result{"rust", {}, {}, {}};
  const auto found = cargos();
  // Where there is none, cargo says what it needs for it.
  const auto command = [](const std::optional<RustBuild>& build, const char* target) {
    return build ? build->command : std::string("cargo build --release --target ") + target;
  };
  const auto component = rust_build(found, kRustComponent);
  result.words["CARGO_BUILD"] = command(component, kRustComponent);
  result.words["CARGO_BUILD_PROGRAM"] = command(rust_build(found, kRustProgram), kRustProgram);
  if (component) {
    result.found = component->found;
  } else {
    result.missing = found.empty()
                         ? "no Rust of 1.85 or later here: https://rustup.rs, or apt-get install "
                           "rustc-web cargo-web rust-web-src lld-19 wasi-libc"
                         : std::string("Rust has no standard library for ") + kRustComponent +
                               ": rustup target add " + kRustComponent + " " + kRustProgram;
  }
  return result;
}

Toolchain go() {
  Toolchain result{"go", {}, {}, {}};
  const auto version = ask("GOTOOLCHAIN=local go env GOVERSION");
  const std::string number = version ? version_in(*version) : "";
  if (at_least(number, 1, 25)) {
    result.found = "go " + number;
  } else {
    result.missing = number.empty() ? "no Go here: https://go.dev/dl (1.25 or later)"
                                    : "Go " + number + " is too old: 1.25 or later is needed";
  }
  return result;
}

Toolchain javascript() {
  Toolchain result{"js", {}, {}, {}};
  const auto version = ask("node --version");
  const std::string number = version ? version_in(*version) : "";
  if (!at_least(number, 20, 0)) {
    result.missing = number.empty() ? "no Node.js here: https://nodejs.org (20 or later)"
                                    : "Node.js " + number + " is too old: 20 or later is needed";
  } else if (!ask("npm --version")) {
    result.missing = "no npm here: apt-get install npm";
  } else {
    result.found = "node " + number + "; componentize-js comes with npm install";
  }
  return result;
}

Toolchain python() {
  Toolchain result{"python", {}, {}, {}};
  const auto version = ask("python3 --version");
  const std::string number = version ? version_in(*version) : "";
  if (!at_least(number, 3, 10)) {
    result.missing = number.empty() ? "no python3 here: apt-get install python3 python3-venv"
                                    : "Python " + number + " is too old: 3.10 or later is needed";
  } else if (!ask("python3 -c 'import ensurepip, venv'")) {
    result.missing = "python3 makes no virtual environments: apt-get install python3-venv";
  } else {
    result.found = "python3 " + number + "; componentize-py comes with pip";
  }
  return result;
}

Toolchain zig() {
  Toolchain result{"zig", {}, {}, {{"ZIG", "zig"}}};
  const auto version = ask("zig version");
  if (version) {
    result.found = "zig " + *version;
  } else if (const auto wheel = ask("python3 -m ziglang version")) {
    result.found = "ziglang " + *wheel + " of Python";
    result.words["ZIG"] = "python3 -m ziglang";
  } else {
    result.missing = "no Zig here: https://ziglang.org/download, or pip install ziglang";
  }
  return result;
}

}  // namespace

std::vector<std::string> known_languages() {
  return {"c", "cpp", "go", "js", "python", "rust", "zig"};
}

Toolchain find_toolchain(std::string_view language) {
  if (language == "rust") return rust();
  if (language == "go") return go();
  if (language == "js") return javascript();
  if (language == "python") return python();
  if (language == "zig") return zig();
  return clang(language);
}

}  // namespace unbolt::project
