#include "unbolt/project/toolchains.h"

#include <unistd.h>

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

Toolchain rust() {
  Toolchain result{"rust", {}, {}, {}};
  const std::string target = "wasm32-unknown-unknown";
  const std::string build = " build --release --target " + target;
  result.words["CARGO_BUILD"] = "cargo" + build;
  struct Place {
    std::string cargo, rustc, version, libraries;
  };
  std::vector<Place> places;
  auto folders = path_folders();
  if (const char* home = std::getenv("HOME")) folders.push_back(std::string(home) + "/.cargo/bin");
  for (const auto& folder : folders) {
    Place place{folder + "/cargo", folder + "/rustc", {}, {}};
    if (::access(place.cargo.c_str(), X_OK) != 0 || ::access(place.rustc.c_str(), X_OK) != 0)
      continue;
    const auto version = ask(place.rustc + " --version");
    const auto sysroot = ask(place.rustc + " --print sysroot");
    if (!version || !sysroot) continue;
    place.version = version_in(*version);
    if (!at_least(place.version, 1, 85)) continue;  // edition 2024
    place.libraries = *sysroot + "/lib/rustlib";
    places.push_back(place);
  }
  for (const auto& place : places) {
    std::error_code failure;
    for (const auto& entry :
         fs::directory_iterator(place.libraries + "/" + target + "/lib", failure)) {
      if (!entry.path().filename().string().starts_with("libstd-")) continue;
      result.found = "cargo " + place.version + ", with " + target;
      result.words["CARGO_BUILD"] = as_typed(place.cargo) + build;
      return result;
    }
  }
  // Debian has the standard library as source alone, and a linker of its own.
  for (const auto& place : places) {
    if (::access((place.libraries + "/src/rust/library/std/Cargo.toml").c_str(), R_OK) != 0)
      continue;
    std::string linker;
    for (const char* name : {"wasm-ld-19", "wasm-ld", "rust-lld"})
      if (linker.empty() && !programs(name).empty()) linker = name;
    if (linker.empty()) continue;
    result.found = "cargo " + place.version + ", which builds the standard library too";
    result.words["CARGO_BUILD"] = "RUSTC_BOOTSTRAP=1 RUSTC=" + place.rustc +
                                  " CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=" + linker + " " +
                                  place.cargo + build + " -Zbuild-std=std,panic_abort";
    return result;
  }
  result.missing = places.empty() ? "no Rust of 1.85 or later here: https://rustup.rs, or apt-get "
                                    "install rustc-web cargo-web rust-web-src lld-19"
                                  : "Rust has no standard library for " + target +
                                        ": rustup target add " + target;
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
