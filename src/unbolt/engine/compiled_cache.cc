#include "unbolt/engine/compiled_cache.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "unbolt/engine/digest.h"

namespace unbolt::engine {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kKeyBytes = 32;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<Bytes> read_small(const fs::path& path) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return std::nullopt;
  Bytes bytes(4096);
  const ssize_t n = ::read(file.get(), bytes.data(), bytes.size());
  if (n < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(n));
  return bytes;
}

// A file looked at in place.
class Mapping {
 public:
  explicit Mapping(const fs::path& path) {
    File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat info{};
    if (!file || fstat(file.get(), &info) != 0 || info.st_size <= 0) return;
    void* p = mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE,
                   file.get(), 0);
    if (p == MAP_FAILED) return;
    view_ = {static_cast<const std::uint8_t*>(p), static_cast<std::size_t>(info.st_size)};
  }
  ~Mapping() {
    if (!view_.empty()) munmap(const_cast<std::uint8_t*>(view_.data()), view_.size());
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ByteView view() const { return view_; }

 private:
  ByteView view_;
};

Result<Bytes> load_key(const fs::path& path) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (auto key = read_small(path); key && key->size() == kKeyBytes) return std::move(*key);
    Bytes fresh(kKeyBytes);
    if (getrandom(fresh.data(), fresh.size(), 0) != static_cast<ssize_t>(fresh.size())) break;
    const fs::path aside = path.string() + fmt::format(".{}", ::getpid());
    {
      File file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
      if (!file || !write_all(file.get(), fresh)) break;
    }
    // The first of several processes wins; a damaged key is replaced, and with it the whole cache.
    if (attempt == 0 ? ::link(aside.c_str(), path.c_str()) != 0 && errno != EEXIST
                     : ::rename(aside.c_str(), path.c_str()) != 0) {
      ::unlink(aside.c_str());
      break;
    }
    ::unlink(aside.c_str());
    if (attempt == 1) return fresh;
    if (auto key = read_small(path); key && key->size() == kKeyBytes) return std::move(*key);
  }
  return fail(ErrorCode::Io, "cannot read or make the key '{}': {}", path.string(),
              std::strerror(errno));
}

}  // namespace

std::string sha256_hex(ByteView bytes) { return hex(sha256(bytes)); }

fs::path CompiledCache::default_folder() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg)
    return fs::path(xdg) / "unbolt" / "compiled";
  if (const char* home = std::getenv("HOME"); home && *home)
    return fs::path(home) / ".cache" / "unbolt" / "compiled";
  return {};
}

Result<CompiledCache> CompiledCache::open(fs::path folder) {
  if (folder.empty())
    return fail(ErrorCode::Io, "no cache folder: neither XDG_CACHE_HOME nor HOME is set");
  std::error_code ec;
  fs::create_directories(folder.parent_path(), ec);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(ErrorCode::Io, "cannot make the cache folder '{}': {}", folder.string(),
                std::strerror(errno));
  }
  struct stat info{};
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::Io, "the cache '{}' is no folder", folder.string());
  }
  if (info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
    return fail(ErrorCode::Denied,
                "the cache folder '{}' is open to others (it holds compiled code): its owner must "
                "be you, its mode 0700",
                folder.string());
  }
  UNBOLT_ASSIGN(Bytes key, load_key(folder / "key"));
  return CompiledCache(std::move(folder), std::move(key));
}

std::string CompiledCache::authentication_code(std::string_view name, ByteView content) const {
  // The name is part of what is signed: an entry cannot stand in for another.
  return hex(hmac_sha256(key_, as_bytes(fmt::format("{}:{}", name, hex(sha256(content))))));
}

bool CompiledCache::write(const std::string& name, ByteView content) const {
  const fs::path path = folder_ / name;
  const fs::path aside = path.string() + fmt::format(".{}.{}", ::getpid(), ::gettid());
  {
    File file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return false;
    if (!write_all(file.get(), content)) {
      ::unlink(aside.c_str());
      return false;
    }
  }
  if (::rename(aside.c_str(), path.c_str()) == 0) return true;
  ::unlink(aside.c_str());
  return false;
}

std::optional<Module> CompiledCache::find(const Engine& engine, const std::string& name) const {
  const fs::path code_path = folder_ / (name + ".code");
  const auto stored = read_small(folder_ / (name + ".mac"));
  const Mapping code(code_path);
  if (!stored || code.view().empty()) return std::nullopt;
  const std::string expected = authentication_code(name, code.view());
  if (stored->size() != expected.size() ||
      CRYPTO_memcmp(stored->data(), expected.data(), expected.size()) != 0) {
    return std::nullopt;
  }
  auto module = Module::deserialize_file(engine, code_path.string());
  if (!module) return std::nullopt;
  return std::move(*module);
}

Result<Module> CompiledCache::compile(const Engine& engine, const std::string& name, ByteView bytes,
                                      const std::function<void()>& before_compiling) const {
  if (before_compiling) before_compiling();
  UNBOLT_ASSIGN(Module module, Module::compile(engine, bytes));
  if (auto code = module.serialize(); code && write(name + ".code", *code)) {
    write(name + ".mac", as_bytes(authentication_code(name, *code)));
  }
  return module;
}

Result<Module> CompiledCache::load(const Engine& engine, ByteView bytes,
                                   const std::function<void()>& before_compiling) const {
  const std::string name =
      fmt::format("{}-{:016x}", sha256_hex(bytes), engine.compatibility_hash());
  if (auto module = find(engine, name)) return std::move(*module);
  return compile(engine, name, bytes, before_compiling);
}

Result<Module> CompiledCache::load_made(const Engine& engine, std::string_view digest,
                                        const std::function<Result<Bytes>()>& make,
                                        const std::function<void()>& before_compiling) const {
  const std::string name = fmt::format("{}-made-{:016x}", digest, engine.compatibility_hash());
  if (auto module = find(engine, name)) return std::move(*module);
  UNBOLT_ASSIGN(const Bytes bytes, make());
  return compile(engine, name, bytes, before_compiling);
}

std::optional<Bytes> CompiledCache::kept(const std::string& name) const {
  const auto stored = read_small(folder_ / (name + ".mac"));
  const Mapping content(folder_ / name);
  if (!stored || content.view().empty()) return std::nullopt;
  if (as_text(*stored) != authentication_code(name, content.view())) return std::nullopt;
  return to_bytes(content.view());
}

void CompiledCache::keep(const std::string& name, ByteView content) const {
  if (write(name, content)) write(name + ".mac", as_bytes(authentication_code(name, content)));
}

bool CompiledCache::marked(const Engine& engine, std::string_view digest) const {
  const std::string name = fmt::format("{}-{:016x}.ok", digest, engine.compatibility_hash());
  const auto stored = read_small(folder_ / name);
  return stored && as_text(*stored) == authentication_code(name, {});
}

void CompiledCache::mark(const Engine& engine, std::string_view digest) const {
  const std::string name = fmt::format("{}-{:016x}.ok", digest, engine.compatibility_hash());
  write(name, as_bytes(authentication_code(name, {})));
}

}  // namespace unbolt::engine
