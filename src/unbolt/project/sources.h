// Which of the files that change are an author's, and which a build wrote itself.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/project/file_watch.h"

namespace unbolt::project {

// Watches a project's folder. For one thread, which polls `descriptor()`, asks `edited` a little
// after it was readable, and says when a build begins and ends. What a build writes does not count:
//  - folders of caches and outputs by their names, hidden files, and `outputs`;
//  - files that first appear while a build runs;
//  - files that are as they were, whoever wrote them;
//  - files that change in three builds of one name in a row, while nobody edits them in between.
class Sources {
 public:
  // `outputs`: files and folders, absolute. What was found to be an output is remembered in
  // `memory`, a file, where that can be written.
  static Result<Sources> open(const std::filesystem::path& root,
                              const std::vector<std::filesystem::path>& outputs,
                              std::filesystem::path memory);

  int descriptor() const { return watch_.descriptor(); }
  const FileWatch& watch() const { return watch_; }

  // Those that were edited, relative to the root, since it was last asked.
  std::set<std::string> edited();

  // Between the two, changes are likely a build's. Builds are told apart by `name`, and may run at
  // the same time. Ask `edited` before each.
  void build_begins(const std::string& name);
  void build_ends(const std::string& name);

 private:
  struct Stamp {
    std::uint64_t size = 0, inode = 0;
    std::int64_t nanoseconds = 0;
    std::optional<std::uint64_t> digest;  // where it was needed once
  };
  Sources(std::filesystem::path root, FileWatch watch, std::filesystem::path memory)
      : root_(std::move(root)), watch_(std::move(watch)), memory_(std::move(memory)) {}
  std::optional<Stamp> look(const std::string& path) const;
  bool counts(const std::string& path, std::optional<Stamp> now);
  void remember();

  std::filesystem::path root_;
  FileWatch watch_;
  std::filesystem::path memory_;
  std::map<std::string, Stamp> known_;
  std::set<std::string> outputs_;
  std::set<std::string> made_;  // by builds, as it seems; an edit in between clears that
  // Of each build: the files that changed in so many of it in a row, and in the one that runs.
  std::map<std::string, std::map<std::string, int>> suspicious_;
  std::map<std::string, std::set<std::string>> running_;
  bool remembered_ = true;
};

// Whether nobody writes such a file or folder by hand: hidden ones, backups of editors, caches.
bool is_litter(std::string_view name);

}  // namespace unbolt::project
