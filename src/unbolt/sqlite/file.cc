#include "unbolt/sqlite/file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

namespace unbolt::sqlite {
namespace {

namespace fs = std::filesystem;

// The first column of the first row; "" where there is none.
Result<std::string> ask(sqlite3* db, const std::string& sql, std::string_view path) {
  std::string text;
  const auto take = [](void* to, int columns, char** values, char**) {
    if (columns > 0 && values[0]) *static_cast<std::string*>(to) = values[0];
    return 0;
  };
  if (sqlite3_exec(db, sql.c_str(), take, &text, nullptr) != SQLITE_OK)
    return std::unexpected(error_of(db, path));
  return text;
}

}  // namespace

Result<FileOptions> FileOptions::of(const contracts::ProviderUrl& url,
                                    std::initializer_list<std::string_view> others) {
  std::vector<std::string_view> known(others);
  known.insert(known.end(), {"synchronous", "busy_timeout", "max_bytes"});
  UNBOLT_TRY(url.only_options(known));
  UNBOLT_ASSIGN(const std::string path, url.local_path("file", "sqlite:app.db"));
  if (path == ":memory:") {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}' names no file", url.shown()),
                                 "did you mean memory:?"});
  }
  FileOptions options;
  // Absolute, so that SQLite finds no special name in it.
  std::error_code failure;
  options.path = fs::absolute(path, failure).string();
  if (failure)
    return fail(ErrorCode::Io, "no current folder to look for '{}' in: {}", path,
                failure.message());
  if (auto found = url.query.find("synchronous"); found != url.query.end()) {
    if (found->second != "full" && found->second != "normal") {
      return fail(ErrorCode::InvalidArgument, "'{}': synchronous is full or normal", url.shown());
    }
    if (found->second == "normal") options.durability = Durability::Crash;
  }
  UNBOLT_ASSIGN(std::uint64_t busy, url.milliseconds_option("busy_timeout", 5000));
  options.busy_timeout = std::chrono::milliseconds(std::min<std::uint64_t>(busy, 600'000));
  UNBOLT_ASSIGN(options.max_bytes, url.bytes_option("max_bytes", 0));
  return options;
}

Result<> check_place(const std::string& path) {
  std::error_code failure;
  fs::file_status file = fs::status(path, failure);
  if (fs::exists(file)) {
    if (fs::is_regular_file(file)) return {};
    return fail(ErrorCode::InvalidArgument, "there is no database '{}': it is {}", path,
                fs::is_directory(file) ? "a folder" : "not a file");
  }
  fs::path folder = fs::path(path).parent_path();
  if (fs::is_directory(folder, failure)) {
    if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
    return std::unexpected(
        Error{ErrorCode::Io,
              fmt::format("the database '{}' cannot be created: {}", path, std::strerror(errno)),
              fmt::format("make the folder '{}' writable for this user", folder.string())});
  }
  return std::unexpected(Error{
      ErrorCode::NotFound,
      fmt::format("there is no database '{}': the folder '{}' is not there", path, folder.string()),
      fmt::format("create it (mkdir -p '{}'), or name another file", folder.string())});
}

Result<> set_up(sqlite3* db, const FileOptions& options) {
  UNBOLT_ASSIGN(const std::string mode, ask(db, "PRAGMA journal_mode=WAL", options.path));
  if (mode != "wal") {
    return std::unexpected(
        Error{ErrorCode::Unsupported,
              fmt::format("the database '{}' has no write-ahead log here (journal mode '{}')",
                          options.path, mode),
              "keep it on a local disk"});
  }
  const bool full = options.durability == Durability::PowerLoss;
  UNBOLT_TRY(ask(db, full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", options.path));
  // The log shrinks again after a large write.
  UNBOLT_TRY(ask(db, "PRAGMA journal_size_limit=67108864", options.path));
  if (options.max_bytes == 0) return {};
  UNBOLT_ASSIGN(const std::string size, ask(db, "PRAGMA page_size", options.path));
  const auto pages = std::clamp<std::uint64_t>(
      options.max_bytes / std::max<std::uint64_t>(std::strtoull(size.c_str(), nullptr, 10), 1), 1,
      0x7fffffff);
  UNBOLT_TRY(ask(db, fmt::format("PRAGMA max_page_count={}", pages), options.path));
  return {};
}

Error error_of(sqlite3* db, std::string_view path) {
  auto made = [&](ErrorCode code, std::string_view what, std::string_view hint = {}) {
    return Error{code, fmt::format("the database '{}' {}", path, what), std::string(hint)};
  };
  auto with_reason = [&](std::string_view what) {
    int number = sqlite3_system_errno(db);
    return fmt::format("{}: {}", what, number ? std::strerror(number) : sqlite3_errmsg(db));
  };
  switch (sqlite3_extended_errcode(db) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return made(ErrorCode::Unavailable, "is locked by another process",
                  "end the other process, or raise busy_timeout");
    case SQLITE_NOTADB:
      return made(ErrorCode::InvalidFile, "is not a SQLite database", "name another file");
    case SQLITE_CORRUPT:
      return made(ErrorCode::InvalidFile, fmt::format("is damaged: {}", sqlite3_errmsg(db)),
                  "restore a backup, or try sqlite3's .recover");
    case SQLITE_FULL: return made(ErrorCode::LimitExceeded, "is full: its disk, or max_bytes");
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM: return made(ErrorCode::LimitExceeded, sqlite3_errmsg(db));
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return made(ErrorCode::Io, with_reason("is read-only"),
                  "make the file and its folder writable for this user");
    case SQLITE_CANTOPEN: return made(ErrorCode::Io, with_reason("cannot be opened"));
    case SQLITE_IOERR: return made(ErrorCode::Io, with_reason("cannot be read or written"));
    default: return made(ErrorCode::Internal, fmt::format("failed: {}", sqlite3_errmsg(db)));
  }
}

}  // namespace unbolt::sqlite
