#include "unbolt/control/revision_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "unbolt/contracts/text.h"
#include "unbolt/engine/compiled_cache.h"

namespace unbolt::control {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "sha256:";
constexpr std::uintmax_t kLargest = 1u << 30;

bool is_digest(std::string_view text) {
  return text.starts_with(kPrefix) && text.size() == kPrefix.size() + 64 &&
         std::ranges::all_of(text.substr(kPrefix.size()), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<std::string> read_whole(const std::string& file) {
  struct stat about{};
  if (::stat(file.c_str(), &about) != 0) {
    return fail(errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Io, "{}: {}", file,
                std::strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) return fail(ErrorCode::InvalidFile, "{}: it is no file", file);
  if (static_cast<std::uintmax_t>(about.st_size) > kLargest)
    return fail(ErrorCode::LimitExceeded, "{}: it is larger than 1 GiB", file);
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  stream.read(bytes.data(), about.st_size);
  // One that is being written is not whole.
  if (stream.gcount() != about.st_size) return fail(ErrorCode::Io, "{}: it cannot be read", file);
  return bytes;
}

}  // namespace

Result<RevisionStore> RevisionStore::open(const fs::path& folder) {
  const fs::path revisions = folder / "revisions";
  if (::mkdir(revisions.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(ErrorCode::Io, "cannot make {}: {}", revisions.string(), std::strerror(errno));
  return RevisionStore(revisions);
}

fs::path RevisionStore::path_of(std::string_view digest) const {
  return folder_ / (std::string(digest.substr(kPrefix.size())) + ".wasm");
}

Result<RevisionStore::Kept> RevisionStore::keep(const std::string& file,
                                                std::string_view digest) const {
  UNBOLT_ASSIGN(const std::string bytes, read_whole(file));
  Kept kept{std::string(kPrefix) + engine::sha256_hex(as_bytes(bytes)), {}};
  if (!digest.empty() && digest != kept.digest) {
    return std::unexpected(Error{ErrorCode::Conflict,
                                 fmt::format("{}: its digest is {}, not {}", file, kept.digest,
                                             contracts::printable(digest, 80)),
                                 "name the file that was meant, or correct the digest"});
  }
  kept.path = path_of(kept.digest);
  std::error_code ignored;
  if (fs::exists(kept.path, ignored)) return kept;
  const fs::path next = kept.path.string() + ".new";
  std::ofstream stream(next, std::ios::binary | std::ios::trunc);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  std::error_code failure;
  if (stream) fs::rename(next, kept.path, failure);
  if (!stream || failure) {
    fs::remove(next, ignored);
    return fail(ErrorCode::Io, "cannot keep a copy of {} as {}", file, kept.path.string());
  }
  return kept;
}

Result<RevisionStore::Kept> RevisionStore::find(std::string_view digest) const {
  std::error_code ignored;
  if (!is_digest(digest) || !fs::exists(path_of(digest), ignored)) {
    return fail(ErrorCode::NotFound, "no revision {} was kept", contracts::printable(digest, 80));
  }
  // What lies there may have been damaged since.
  Kept kept{std::string(digest), path_of(digest)};
  UNBOLT_ASSIGN(const std::string bytes, read_whole(kept.path.string()));
  if (std::string(kPrefix) + engine::sha256_hex(as_bytes(bytes)) != digest)
    return fail(ErrorCode::InvalidFile, "{}: it is not what was kept there", kept.path.string());
  return kept;
}

void RevisionStore::prune(const std::set<std::string>& digests) const {
  std::error_code failure;
  for (fs::directory_iterator entry(folder_, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string digest = std::string(kPrefix) + entry->path().stem().string();
    std::error_code ignored;
    if (!digests.contains(digest)) fs::remove(entry->path(), ignored);
  }
}

}  // namespace unbolt::control
