// The files of the revisions that a host runs or may go back to, by digest: what was put into
// service stays what it was, whatever becomes of the file it came from.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"

namespace unbolt::control {

// Blocks; on one thread at a time.
class RevisionStore {
 public:
  // Inside the folder of the application, which is there.
  static Result<RevisionStore> open(const std::filesystem::path& folder);

  struct Kept {
    std::string digest;  // "sha256:…"
    std::filesystem::path path;
  };
  // Takes a copy of the file. Conflict where `digest` is given and is another.
  Result<Kept> keep(const std::string& file, std::string_view digest) const;
  // NotFound where it was not kept.
  Result<Kept> find(std::string_view digest) const;
  // Removes all but these.
  void prune(const std::set<std::string>& digests) const;

 private:
  explicit RevisionStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path path_of(std::string_view digest) const;
  std::filesystem::path folder_;
};

}  // namespace unbolt::control
