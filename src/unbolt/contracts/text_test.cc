#include "unbolt/contracts/text.h"

#include <gtest/gtest.h>

namespace unbolt::contracts {
namespace {

TEST(Printable, KeepsTextAndEscapesWhatMovesACursor) {
  EXPECT_EQ(printable("naïve ☃ \\n 🂡", 100), "naïve ☃ \\n 🂡");
  EXPECT_EQ(printable("a\nb\r\tc", 100), "a\\nb\\r\\tc");
  EXPECT_EQ(printable(std::string_view("\0\x1b[2J\x7f", 6), 100), "\\x00\\x1b[2J\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m",
                      100),
            "\\x9b31m");  // C1: CSI
  EXPECT_EQ(printable("\u202egpj.exe\u2028x", 100), "\\u202egpj.exe\\u2028x");
}

TEST(Printable, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(printable("\xff\xc0\x80", 100), "\\xff\\xc0\\x80");           // overlong NUL
  EXPECT_EQ(printable("\xed\xa0\x80", 100), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(printable("\xe2\x98", 100), "\\xe2\\x98");                    // truncated
  EXPECT_EQ(printable("\xf4\x90\x80\x80", 100), "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
}

TEST(Printable, CutsAtACharacterAndSaysSo) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdef", 4), "abcd… (2 more bytes)");
  EXPECT_EQ(printable("ab☃d", 4), "ab… (4 more bytes)");
  EXPECT_EQ(printable("ab", 0), "… (2 more bytes)");
}

TEST(Nearest, FindsATypingErrorAndNothingFarAway) {
  constexpr std::string_view kWords[] = {"memory", "sqlite", "redis"};
  EXPECT_EQ(nearest("sqllite", kWords), "sqlite");
  EXPECT_EQ(nearest("mem", kWords), "memory");
  EXPECT_EQ(nearest("rediss", kWords), "redis");
  EXPECT_EQ(nearest("x", kWords), std::nullopt);
  EXPECT_EQ(nearest("", kWords), std::nullopt);
  EXPECT_EQ(nearest("postgres", kWords), std::nullopt);
}

}  // namespace
}  // namespace unbolt::contracts
