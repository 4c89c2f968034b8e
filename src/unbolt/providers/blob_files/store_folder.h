// The folder behind `file:`, with calls that block.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "unbolt/contracts/blob_store.h"
#include "unbolt/files/node.h"

namespace unbolt::providers::blob_files {

// What an object that was finished survives.
enum class Durability : bool {
  Crash,      // the end of the program
  PowerLoss,  // of the machine too
};

using NodePointer = std::shared_ptr<const files::Node>;

// A file that is being written, and has no place yet. Removed with its last byte unless it was put
// in one. Dropping it blocks.
class Draft {
 public:
  Draft(NodePointer root, std::string path, NodePointer file)
      : root_(std::move(root)), path_(std::move(path)), file_(std::move(file)) {}
  ~Draft() {
    if (!path_.empty()) (void)root_->unlink_at(path_);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  const files::Node& file() const { return *file_; }
  // Below the root.
  const std::string& path() const { return path_; }
  void placed() { path_.clear(); }

 private:
  NodePointer root_;
  std::string path_;
  NodePointer file_;
};

// Every function may be called on any thread, by several at once, and blocks. Names have been
// checked. Errors do not say where the folder is: guests read them.
class StoreFolder {
 public:
  // Opens the folder, makes it where it is not there, and removes what killed programs left in it.
  static Result<std::shared_ptr<StoreFolder>> open(const std::string& path, Durability durability);

  Result<> create_container(std::string_view container);
  // What is to be removed with `remove_tree`, and is in nobody's way until then; "" where there was
  // no such container.
  Result<std::string> take_container(std::string_view container);
  void remove_tree(const std::string& path);
  Result<bool> container_exists(std::string_view container);
  Result<contracts::ContainerInfo> container_info(std::string_view container);
  Result<contracts::NamePage> list_containers(const std::optional<std::string>& cursor);
  Result<> clear(std::string_view container);

  Result<NodePointer> open_object(contracts::BlobName name);
  Result<contracts::ObjectInfo> info(contracts::BlobName name);
  // NotFound where the container is not there.
  Result<std::unique_ptr<Draft>> begin(std::string_view container);
  Result<> finish(Draft& draft, contracts::BlobName name);
  Result<> remove_many(std::string_view container, std::span<const std::string> objects);
  Result<> move(contracts::BlobName from, contracts::BlobName to);
  Result<contracts::NamePage> list_objects(std::string_view container,
                                           const std::optional<std::string>& cursor);

 private:
  StoreFolder(NodePointer root, Durability durability)
      : root_(std::move(root)), durability_(durability) {}
  std::string unused_name();
  Result<> require_container(std::string_view container);
  Result<> place(const std::string& from, contracts::BlobName to);
  void remove_empty_folders(const std::string& path);
  Result<> sync_folders_of(const std::string& path);
  void remove_leftovers();

  NodePointer root_;
  Durability durability_;
  std::atomic<std::uint64_t> next_name_ = 0;
};

// `what` could not be done.
Error to_error(std::string_view what, files::Errno why);

}  // namespace unbolt::providers::blob_files
