// What a telnet client sends: commands, options and typing. What becomes of it must not depend on
// the pieces it comes in, text is UTF-8, and nothing that is kept or answered grows beyond its
// bounds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "unbolt/component/strings.h"
#include "unbolt/telnet/protocol.h"
#include "unbolt/telnet/typing.h"

namespace {

using namespace unbolt;
using contracts::TelnetEvent;
using contracts::TelnetMode;

void check(bool good) {
  if (!good) std::abort();
}

// A session without its socket.
class Session final : public telnet::Receiver {
 public:
  explicit Session(TelnetMode mode) {
    protocol_.begin();
    protocol_.set_mode(mode);
    typing_.set_mode(mode, events_);
  }

  void take(ByteView bytes) {
    protocol_.take(bytes);
    taken_ += bytes.size();
    // A command is answered with a few bytes at most.
    check(protocol_.commands() <= taken_);
    check(protocol_.answers().size() <= kFirstWords + protocol_.commands() * 64);
  }

  // Everything that was found, however it was cut.
  std::string told() {
    typing_.escape_is_over(events_);
    std::string all;
    for (const TelnetEvent& event : events_) {
      if (const auto* text = std::get_if<contracts::TelnetText>(&event)) {
        check(component::valid_utf8(as_bytes(text->text)));
        all += text->text;
      } else if (const auto* line = std::get_if<contracts::TelnetLine>(&event)) {
        check(component::valid_utf8(as_bytes(line->text)) &&
              line->text.size() <= 3 * telnet::Typing::kLongestLine);
        all += "<line>" + line->text;
      } else {
        all += "<" + std::to_string(event.index()) + ">";
      }
    }
    return all + "|" + others_ + "|" + protocol_.answers();
  }
  bool too_long() const { return too_long_; }

 private:
  void data(ByteView bytes) override { too_long_ |= !typing_.take(bytes, events_); }
  void resized(telnet::Size size) override {
    others_ += std::to_string(size.columns) + "x" + std::to_string(size.rows) + " ";
  }
  void interrupted() override { others_ += "interrupt "; }
  void erased_character() override { typing_.erase_character(); }
  void erased_line() override { typing_.erase_line(); }
  void terminal(std::string name) override {
    check(name.size() <= 64);
    others_ += name + " ";
  }

  static constexpr std::size_t kFirstWords = 64;

  telnet::Protocol protocol_{*this};
  std::size_t taken_ = 0;
  telnet::Typing typing_;
  std::vector<TelnetEvent> events_;
  std::string others_;
  bool too_long_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto mode = static_cast<TelnetMode>(data[0] % 3);
  const std::size_t piece = data[0] / 3 + 1;
  const ByteView bytes(data + 1, size - 1);
  Session whole(mode), parts(mode);
  whole.take(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    parts.take(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  check(whole.too_long() == parts.too_long());
  if (!whole.too_long()) check(whole.told() == parts.told());
  return 0;
}
