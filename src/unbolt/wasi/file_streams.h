// Files as a component has them open, and wasi:io streams over them.
#pragma once

#include <memory>

#include "unbolt/base/blocking.h"
#include "unbolt/files/node.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {

// What the files of one instance share. Each that it holds has a share of this, which is how they
// are counted; and what is read lies in its one buffer, since the guest takes it before it reads
// on.
class InstanceFiles {
 public:
  static constexpr std::size_t kLargestRead = 64 * 1024;

  std::uint8_t* buffer() {
    if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(kLargestRead);
    return buffer_.get();
  }

 private:
  std::unique_ptr<std::uint8_t[]> buffer_;  // kLargestRead bytes
};

// A node that a component holds; its descriptor and the streams made from it share it. Bound to the
// loop; the node's blocking calls run where `blocking` says.
class OpenFile {
 public:
  OpenFile(std::shared_ptr<const files::Node> node, Blocking blocking,
           std::shared_ptr<InstanceFiles> instance)
      : node_(std::move(node)), blocking_(blocking), instance_(std::move(instance)) {}
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const files::Node& node() const { return *node_; }
  const Blocking& blocking() const { return blocking_; }
  // Null for a folder that was granted: it is not counted.
  InstanceFiles* instance() const { return instance_.get(); }

 private:
  std::shared_ptr<const files::Node> node_;
  Blocking blocking_;
  std::shared_ptr<InstanceFiles> instance_;
};

// What the system said, as an error that `filesystem-error-code` can read.
Error to_error(files::Errno why);

// Regular files only: reads from `offset` on, writes from there on, or writes at the end.
std::shared_ptr<Source> file_source(std::shared_ptr<const OpenFile> file, std::uint64_t offset);
std::shared_ptr<Sink> file_sink(std::shared_ptr<const OpenFile> file, std::uint64_t offset);
std::shared_ptr<Sink> file_appender(std::shared_ptr<const OpenFile> file);

}  // namespace unbolt::wasi
