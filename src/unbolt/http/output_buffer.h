// Bytes that go out, with at most one gap for what is known only later: a length in front of the
// bytes it counts.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace unbolt::http {

class OutputBuffer {
 public:
  std::string& text() { return text_; }  // for appending
  std::size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }
  void clear() {
    text_.clear();
    gap_ = kNone;
  }

  // Gives a large buffer back; only where it is empty.
  void shrink(std::size_t most) {
    if (text_.capacity() > most) std::string().swap(text_);
  }

  // `at` is not behind the gap.
  void insert(std::size_t at, std::string_view text) {
    text_.insert(at, text);
    if (has_gap()) gap_ += text.size();
  }

  bool has_gap() const { return gap_ != kNone; }
  // Nothing may be sent while the gap is open.
  void open_gap() {
    gap_ = text_.size();
    text_.append(kGap, ' ');
  }
  // How many bytes were appended behind the gap.
  std::size_t behind_gap() const { return text_.size() - gap_ - kGap; }
  // `text` is at most `kGap` bytes.
  void close_gap(std::string_view text) {
    std::memcpy(text_.data() + gap_, text.data(), text.size());
    text_.erase(gap_ + text.size(), kGap - text.size());
    gap_ = kNone;
  }

  static constexpr std::size_t kGap = 72;

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::string text_;
  std::size_t gap_ = kNone;
};

}  // namespace unbolt::http
