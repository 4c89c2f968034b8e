// What somebody types: bytes become lines, or characters and keys. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/contracts/telnet.h"

namespace unbolt::telnet {

class Typing {
 public:
  static constexpr std::size_t kLongestLine = 4096;  // bytes

  // What was typed of a line is lost when characters are wanted: it becomes text.
  void set_mode(contracts::TelnetMode mode, std::vector<contracts::TelnetEvent>& out);
  // Any bytes, cut anywhere; what is no UTF-8 becomes U+FFFD. False where a line is too long.
  [[nodiscard]] bool take(ByteView bytes, std::vector<contracts::TelnetEvent>& out);
  void erase_character();
  void erase_line() { line_.clear(); }

  // Whether an escape was typed that may be the beginning of a key: a moment later it is one.
  bool escape_pending() const { return !sequence_.empty(); }
  void escape_is_over(std::vector<contracts::TelnetEvent>& out);

 private:
  void line_byte(char c, std::vector<contracts::TelnetEvent>& out);
  void character_byte(char c, std::vector<contracts::TelnetEvent>& out);
  void sequence_byte(char c, std::vector<contracts::TelnetEvent>& out);
  void flush_text(std::vector<contracts::TelnetEvent>& out, bool all);

  bool characters_ = false;
  bool after_return_ = false;
  std::string line_;
  std::string text_;      // characters not handed out yet; may end inside of one
  std::string sequence_;  // an escape and what followed
};

}  // namespace unbolt::telnet
