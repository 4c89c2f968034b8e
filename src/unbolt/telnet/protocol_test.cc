#include "unbolt/telnet/protocol.h"

#include <gtest/gtest.h>

#include <string>

#include "unbolt/telnet/typing.h"

namespace unbolt::telnet {
namespace {

using namespace std::string_literals;
using contracts::TelnetEvent;
using contracts::TelnetInterrupt;
using contracts::TelnetKey;
using contracts::TelnetLine;
using contracts::TelnetText;

struct Heard final : Receiver {
  void data(ByteView bytes) override { text.append(as_text(bytes)); }
  void resized(Size to) override { size = to; }
  void interrupted() override { ++interrupts; }
  void erased_character() override { text += "<ec>"; }
  void erased_line() override { text += "<el>"; }
  void terminal(std::string name) override { type = std::move(name); }
  std::string text, type;
  std::optional<Size> size;
  int interrupts = 0;
};

std::string take(Protocol& protocol, std::string_view bytes) {
  protocol.take(as_bytes(bytes));
  return std::exchange(protocol.answers(), {});
}

TEST(Protocol, LearnsTheWindowAndTheTerminalHoweverTheBytesAreCut) {
  const std::string bytes =
      "a\xff\xfb\x1f\xff\xfb\x18\xff\xfa\x1f\0\x50\0\xff\xff\xff\xf0"
      "b\xff\xfa\x18\0xterm-256color\xff\xf0\xff\xff\xff\xf4"s;
  for (std::size_t step : {1, 2, 3, 100}) {
    Heard heard;
    Protocol protocol(heard);
    protocol.begin();
    EXPECT_EQ(std::exchange(protocol.answers(), {}), "\xff\xfd\x1f\xff\xfd\x18\xff\xfd\x22"s);
    std::string answers;
    for (std::size_t i = 0; i < bytes.size(); i += step)
      answers += take(protocol, std::string_view(bytes).substr(i, step));
    EXPECT_EQ(answers, "\xff\xfa\x18\1\xff\xf0"s);
    EXPECT_EQ(heard.text, "ab\xff");
    EXPECT_EQ(heard.type, "XTERM-256COLOR");
    EXPECT_EQ(heard.size, (Size{80, 255}));
    EXPECT_EQ(heard.interrupts, 1);
  }
}

TEST(Protocol, RefusesWhatItDoesNotKnowAndIsSilentOnWhatIsSo) {
  Heard heard;
  Protocol protocol(heard);
  EXPECT_EQ(take(protocol, "\xff\xfb\x63\xff\xfd\x63"), "\xff\xfe\x63\xff\xfc\x63");
  EXPECT_EQ(take(protocol, "\xff\xfc\x63\xff\xfe\x63"), "");  // a "no" wants no answer
  EXPECT_EQ(take(protocol, "\xff\xfd\x03\xff\xfd\x03\xff\xfd\x03"), "\xff\xfb\x03");
  EXPECT_EQ(protocol.commands(), 7u);
}

TEST(Protocol, AsksForCharactersAndGoesBackToLines) {
  Heard heard;
  Protocol protocol(heard);
  protocol.set_mode(Mode::Character);
  EXPECT_EQ(take(protocol, ""), "\xff\xfb\x01\xff\xfb\x03");
  EXPECT_EQ(take(protocol, "\xff\xfd\x01\xff\xfd\x03"), "");
  protocol.set_mode(Mode::Line);
  EXPECT_EQ(take(protocol, ""), "\xff\xfc\x01\xff\xfc\x03");
  // Again before the answer has come: it is asked for when that is there.
  protocol.set_mode(Mode::HiddenLine);
  EXPECT_EQ(take(protocol, ""), "");
  EXPECT_EQ(take(protocol, "\xff\xfe\x01"), "\xff\xfb\x01");
}

TEST(Protocol, WritesLineEndsAndTheEscape) {
  std::string out;
  Protocol::encode("a\nb\r\nc\rd\xff", out);
  EXPECT_EQ(out, "a\r\nb\r\nc\r\0d\xff\xff"s);
}

std::vector<TelnetEvent> typed(Typing& typing, std::string_view bytes) {
  std::vector<TelnetEvent> events;
  EXPECT_TRUE(typing.take(as_bytes(bytes), events));
  return events;
}
using Events = std::vector<TelnetEvent>;

TEST(Typing, MakesLinesOfEveryKindOfEnd) {
  Typing typing;
  EXPECT_EQ(
      typed(typing, "one\r\ntwo\r\0three\nfour\rfi"s),
      (Events{TelnetLine{"one"}, TelnetLine{"two"}, TelnetLine{"three"}, TelnetLine{"four"}}));
  EXPECT_EQ(typed(typing, "\x7f\x7f\xc3\xa4\x7fsix\n"), Events{TelnetLine{"six"}});
  EXPECT_EQ(typed(typing, "lost\x03"), Events{TelnetInterrupt{}});
  EXPECT_EQ(typed(typing, "\xc3(\n"), Events{TelnetLine{"\xef\xbf\xbd("}});
  EXPECT_EQ(typed(typing, "\xed\xa0\x80\n"),
            Events{TelnetLine{"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}});
}

TEST(Typing, MakesCharactersAndKeys) {
  Typing typing;
  Events events;
  typing.set_mode(Mode::Character, events);
  EXPECT_EQ(typed(typing, "ab\x1b[A\x1bOB\x1b[3~\x1b[1;5C\r\nc"),
            (Events{TelnetText{"ab"}, TelnetKey::Up, TelnetKey::Down, TelnetKey::Delete,
                    TelnetKey::Enter, TelnetText{"c"}}));
  EXPECT_EQ(typed(typing, "\xe2\x82"), Events{});
  EXPECT_EQ(typed(typing, "\xac"), Events{TelnetText{"\xe2\x82\xac"}});
  EXPECT_EQ(typed(typing, "\x1b"), Events{});
  EXPECT_TRUE(typing.escape_pending());
  typing.escape_is_over(events);
  EXPECT_EQ(events, Events{TelnetKey::Escape});
}

TEST(Typing, BoundsALine) {
  Typing typing;
  Events events;
  EXPECT_TRUE(typing.take(as_bytes(std::string(Typing::kLongestLine, 'x')), events));
  EXPECT_FALSE(typing.take(as_bytes("x"), events));
}

}  // namespace
}  // namespace unbolt::telnet
