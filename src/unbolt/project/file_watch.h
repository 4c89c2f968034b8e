// What changes below a folder, as the kernel tells it (inotify).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"

namespace unbolt::project {

// For one thread. Paths are relative to the root. Symbolic links are not followed.
class FileWatch {
 public:
  static constexpr std::size_t kMostFiles = 100'000;

  // Folders for which `skip` is true are left out, with all below them.
  using Skip = std::function<bool(const std::string& folder)>;
  static Result<FileWatch> open(std::filesystem::path root, Skip skip);
  FileWatch(FileWatch&& other) noexcept;
  FileWatch& operator=(FileWatch&& other) noexcept;
  ~FileWatch();

  // To be polled for reading.
  int descriptor() const { return descriptor_; }

  // Of each file that something happened to since: it was written, made, moved or removed. The
  // files of a folder that came are among them.
  std::set<std::string> changed();

  // The files that there were when a folder was first looked at.
  const std::set<std::string>& files() const { return files_; }

  // Folders that are not watched, because there are too many files or the kernel has no more
  // watches, and why; the first of them.
  const std::vector<std::string>& left_out() const { return left_out_; }
  const std::string& reason() const { return reason_; }

 private:
  FileWatch(std::filesystem::path root, Skip skip, int descriptor)
      : root_(std::move(root)), skip_(std::move(skip)), descriptor_(descriptor) {}
  void add(const std::string& folder, std::set<std::string>* found);
  void leave_out(const std::string& folder, std::string reason);

  std::filesystem::path root_;
  Skip skip_;
  int descriptor_;
  std::map<int, std::string> folders_;  // by the kernel's number: "", "src", "src/deep"
  std::set<std::string> files_;
  std::vector<std::string> left_out_;
  std::string reason_;
};

}  // namespace unbolt::project
