// Bytes that came in and were not consumed yet, in one piece.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace unbolt::http {

// A flat buffer: `[begin, end)` holds bytes, what follows is room. While a read into `room()` is
// under way only `consume` and `commit` may be called, so that the room stays where it is.
class InputBuffer {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }

  void consume(std::size_t size) { begin_ += size; }
  void commit(std::size_t size) { end_ += size; }

  std::span<char> room() const { return {data_.get() + end_, capacity_ - end_}; }

  // Moves the bytes to the front and makes the buffer hold at least `capacity` in all. Ends every
  // view.
  void make_room(std::size_t capacity) {
    if (capacity > capacity_) {
      std::unique_ptr<char[]> larger(new char[capacity]);
      if (!empty()) std::memcpy(larger.get(), data_.get() + begin_, size());
      data_ = std::move(larger);
      capacity_ = capacity;
    } else if (begin_ != 0 && !empty()) {
      std::memmove(data_.get(), data_.get() + begin_, size());
    }
    end_ -= begin_;
    begin_ = 0;
  }

  // Gives a large buffer back; only where it is empty and no read is under way.
  void shrink(std::size_t most) {
    if (!empty() || capacity_ <= most) return;
    data_.reset();
    capacity_ = begin_ = end_ = 0;
  }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace unbolt::http
