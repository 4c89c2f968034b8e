// Reads the primitives of the binary format (Binary.md; core specification, section 5.2) with every
// bound checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"

namespace unbolt::component {

// Thrown by the reader and caught at `decode`: a grammar this deep reads best without a test after
// every token.
struct DecodeError {
  std::size_t offset;
  std::string message;
  ErrorCode code = ErrorCode::InvalidFile;
};

// Looks at bytes that outlive it. `base` is where they lie in the file, for error messages.
class BinaryReader {
 public:
  explicit BinaryReader(ByteView bytes, std::size_t base = 0) : bytes_(bytes), base_(base) {}

  bool at_end() const { return position_ == bytes_.size(); }
  std::size_t offset() const { return base_ + position_; }
  [[noreturn]] void fail(std::string message) const {
    throw DecodeError{offset(), std::move(message)};
  }
  // Valid, and nothing here carries it out.
  [[noreturn]] void unsupported(std::string message) const {
    throw DecodeError{offset(), std::move(message), ErrorCode::Unsupported};
  }

  std::uint8_t byte() {
    if (at_end()) fail("unexpected end");
    return bytes_[position_++];
  }
  std::uint8_t peek() const {
    if (at_end()) fail("unexpected end");
    return bytes_[position_];
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(leb(32)); }
  std::uint64_t u64() { return leb(64); }
  // s33, as types are encoded: what is not negative is an index.
  std::int64_t s33();
  // How many items follow: never more than there are bytes left, so that it can be reserved.
  std::uint32_t count() {
    const std::uint32_t n = u32();
    if (n > bytes_.size() - position_) fail("more items than bytes");
    return n;
  }
  ByteView bytes(std::size_t size) {
    if (size > bytes_.size() - position_) fail("unexpected end");
    const ByteView view = bytes_.subspan(position_, size);
    position_ += size;
    return view;
  }
  std::string_view name() { return as_text(bytes(u32())); }
  // The next `size` bytes as a reader of their own.
  BinaryReader part(std::size_t size) {
    const std::size_t at = offset();
    return BinaryReader(bytes(size), at);
  }

 private:
  std::uint64_t leb(unsigned bits) {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t b = byte();
      if (shift + 7 > bits && (b >> (bits - shift)) != 0) fail("integer too large");
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return value;
      if (shift + 7 >= bits) fail("integer too long");
    }
  }

  ByteView bytes_;
  std::size_t base_;
  std::size_t position_ = 0;
};

inline std::int64_t BinaryReader::s33() {
  std::int64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint8_t b = byte();
    value |= static_cast<std::int64_t>(b & 0x7f) << shift;
    if ((b & 0x80) == 0) {
      if (shift + 7 < 64 && (b & 0x40)) value |= -(std::int64_t{1} << (shift + 7));
      return value;
    }
    if (shift >= 28) fail("integer too long");
  }
}

}  // namespace unbolt::component
