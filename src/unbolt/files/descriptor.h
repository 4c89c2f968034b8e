// A descriptor of the operating system, owned; and how its calls fail.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <expected>
#include <utility>

namespace unbolt::files {

// What the operating system said, as one of <cerrno>: callers translate it into their contract's
// own words.
struct Errno {
  int value;
  bool operator==(const Errno&) const = default;
};
inline std::unexpected<Errno> error(int value) { return std::unexpected(Errno{value}); }
inline std::unexpected<Errno> last_error() { return error(errno); }

template <class T = void>
using Outcome = std::expected<T, Errno>;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  // Whoever takes it closes it.
  int release() { return std::exchange(number_, -1); }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

}  // namespace unbolt::files
