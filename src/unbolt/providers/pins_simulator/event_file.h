// Lines of JSON in a file that does not grow without end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"
#include "unbolt/files/descriptor.h"

namespace unbolt::providers::simulator {

// On one thread. A line is written whole or not at all.
class EventFile {
 public:
  static constexpr std::uint64_t kMost = 4 << 20;  // bytes

  // Appends to a file, which is made where there is none, or writes into a FIFO, which drops what
  // nobody reads. InvalidArgument for anything else.
  static Result<EventFile> open(const std::string& path);

  // False where the file is full: then it is empty now, and who writes begins with the whole board.
  bool has_room(std::size_t bytes);
  // Io where the disk refuses it; a reader that is slow loses lines.
  Result<> write(std::string_view line);

 private:
  EventFile(files::Descriptor file, bool fifo, std::uint64_t size)
      : file_(std::move(file)), fifo_(fifo), size_(size) {}
  files::Descriptor file_;
  bool fifo_;
  std::uint64_t size_;
};

}  // namespace unbolt::providers::simulator
