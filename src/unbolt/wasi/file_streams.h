// Files as a component has them open, and wasi:io streams over them.
#pragma once

#include <memory>

#include "unbolt/base/blocking.h"
#include "unbolt/files/node.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {

// A node that a component holds; its descriptor and the streams made from it share it. Bound to the
// loop; the node's blocking calls run where `blocking` says.
class OpenFile {
 public:
  OpenFile(std::shared_ptr<const files::Node> node, Blocking blocking,
           std::shared_ptr<void> counted)
      : node_(std::move(node)), blocking_(blocking), counted_(std::move(counted)) {}
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const files::Node& node() const { return *node_; }
  const Blocking& blocking() const { return blocking_; }

 private:
  std::shared_ptr<const files::Node> node_;
  Blocking blocking_;
  std::shared_ptr<void> counted_;  // one of those that an instance may hold
};

// What the system said, as an error that `filesystem-error-code` can read.
Error to_error(files::Errno why);

// Regular files only: reads from `offset` on, writes from there on, or writes at the end.
std::shared_ptr<Source> file_source(std::shared_ptr<const OpenFile> file, std::uint64_t offset);
std::shared_ptr<Sink> file_sink(std::shared_ptr<const OpenFile> file, std::uint64_t offset);
std::shared_ptr<Sink> file_appender(std::shared_ptr<const OpenFile> file);

}  // namespace unbolt::wasi
