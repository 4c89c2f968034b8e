// Compiled modules on disk, by content and engine configuration.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/engine/module.h"

namespace unbolt::engine {

// Hex SHA-256.
std::string sha256_hex(ByteView bytes);

// The engine trusts the compiled code it is given, so the folder belongs to its owner alone
// (refused otherwise) and each entry carries a code made with a key that only this folder holds;
// one that does not verify is compiled anew. Thread-safe, also between processes (entries are
// written aside and renamed).
class CompiledCache {
 public:
  // The user's cache folder (XDG_CACHE_HOME, ~/.cache) below which compiled code lies.
  static std::filesystem::path default_folder();
  // An Io or Denied error says why the folder cannot be used; the program can go on without a
  // cache.
  static Result<CompiledCache> open(std::filesystem::path folder);

  // Compiles `bytes` or finds them compiled. `before_compiling` is called when it will take time.
  // Failures to write are not failures to load.
  Result<Module> load(const Engine& engine, ByteView bytes,
                      const std::function<void()>& before_compiling) const;
  // The same for a module that is made first; `digest` (hex) changes with what it is made of and
  // how.
  Result<Module> load_made(const Engine& engine, std::string_view digest,
                           const std::function<Result<Bytes>()>& make,
                           const std::function<void()>& before_compiling) const;
  // What was checked at length once and need not be again: true when `mark` was called with the
  // same content and engine.
  bool marked(const Engine& engine, std::string_view digest) const;
  void mark(const Engine& engine, std::string_view digest) const;
  // What was made of another file once, by a name that tells of what and how. Nothing where there
  // is no such entry, or one that is not ours.
  std::optional<Bytes> kept(const std::string& name) const;
  void keep(const std::string& name, ByteView content) const;

 private:
  CompiledCache(std::filesystem::path folder, Bytes key)
      : folder_(std::move(folder)), key_(std::move(key)) {}
  std::optional<Module> find(const Engine& engine, const std::string& name) const;
  Result<Module> compile(const Engine& engine, const std::string& name, ByteView bytes,
                         const std::function<void()>& before_compiling) const;
  std::string authentication_code(std::string_view name, ByteView content) const;
  bool write(const std::string& name, ByteView content) const;

  std::filesystem::path folder_;
  Bytes key_;
};

}  // namespace unbolt::engine
