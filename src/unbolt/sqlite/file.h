// A database file, whatever a provider keeps in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "unbolt/contracts/provider_url.h"

struct sqlite3;

namespace unbolt::sqlite {

// What a write that was answered survives. Either survives a kill -9 of the program.
enum class Durability : std::uint8_t {
  PowerLoss,  // the log is synced to the disk with each group of writes
  Crash,      // the end of the program, not of the machine: no sync but at checkpoints
};

struct FileOptions {
  std::string path;  // absolute
  Durability durability = Durability::PowerLoss;
  // How long a statement waits for another process that has locked the file.
  std::chrono::milliseconds busy_timeout{5000};
  // Of the database file; beyond it a write is LimitExceeded. 0: no limit.
  std::uint64_t max_bytes = 0;

  // Of `sqlite:PATH[?synchronous=full|normal][&busy_timeout=5s][&max_bytes=SIZE]`. InvalidArgument
  // for a wrong value, and for an option that is neither one of these nor one of `others`, which
  // the caller reads.
  static Result<FileOptions> of(const contracts::ProviderUrl& url,
                                std::initializer_list<std::string_view> others = {});
};

// Whether there is a file, or can be one; with what to do. Asked before SQLite is, which says
// "unable to open database file" to all that may be wrong.
Result<> check_place(const std::string& path);

// Of a connection that writes: a write-ahead log, and when it is synced; the size of the file.
Result<> set_up(sqlite3* db, const FileOptions& options);

// What SQLite says of its last call, as one of our errors.
Error error_of(sqlite3* db, std::string_view path);

}  // namespace unbolt::sqlite
