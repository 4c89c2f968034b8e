#include "unbolt/component/strings.h"

#include <gtest/gtest.h>

#include <array>

namespace unbolt::component {
namespace {

TEST(Utf8, Valid) {
  for (const std::string_view text :
       {"", "a", "grün", "€", "😀", "12345678", "1234567ü", "\x7f", "\xc2\x80", "\xdf\xbf",
        "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(valid_utf8(as_bytes(text))) << text;
    EXPECT_EQ(to_valid_utf8(text), text);
  }
}

TEST(Utf8, Invalid) {
  struct Case {
    std::string_view text, replaced;
  };
  constexpr std::string_view k1 = "\xef\xbf\xbd", k2 = "\xef\xbf\xbd\xef\xbf\xbd",
                             k3 = "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
                             k4 = "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd";
  for (const auto& [text, replaced] : {Case{"\x80", k1},
                                       {"\xc0\x80", k2},
                                       {"\xc1\xbf", k2},
                                       {"\xc2", k1},
                                       {"\xe0\x9f\xbf", k3},
                                       {"\xe2\x82", k1},
                                       {"\xed\xa0\x80", k3},
                                       {"\xf0\x8f\xbf\xbf", k4},
                                       {"\xf0\x9f\x98", k1},
                                       {"\xf4\x90\x80\x80", k4},
                                       {"\xf5", k1},
                                       {"\xff", k1},
                                       {"\xfe\xff", k2}}) {
    EXPECT_FALSE(valid_utf8(as_bytes(text)));
    EXPECT_EQ(to_valid_utf8(text), replaced);
    // Wherever it stands.
    for (std::size_t before = 0; before < 20; ++before) {
      const std::string padded = std::string(before, 'x') + std::string(text) + "12345678901";
      EXPECT_FALSE(valid_utf8(as_bytes(padded))) << before;
      EXPECT_EQ(to_valid_utf8(padded),
                std::string(before, 'x') + std::string(replaced) + "12345678901");
    }
  }
}

struct Text {
  std::string_view utf8;
  std::u16string_view utf16;
  std::optional<std::string_view> latin1;
};
const Text kTexts[] = {
    {"", u"", ""},
    {"abc", u"abc", "abc"},
    {"\x7f\xc2\x80\xc3\xbf", u"\u007f\u0080\u00ff", "\x7f\x80\xff"},
    {"\xc4\x80", u"\u0100", {}},
    {"\xdf\xbf\xe0\xa0\x80", u"\u07ff\u0800", {}},
    {"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", u"\ud7ff\ue000\uffff", {}},
    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", u"\U00010000\U0010ffff", {}},
};

TEST(Transcoding, BothWays) {
  for (const auto& [utf8, utf16, latin1] : kTexts) {
    EXPECT_EQ(utf16_to_utf8(utf16), utf8);
    std::u16string wide(utf8.size(), u'\0');
    wide.resize(utf8_to_utf16(utf8, wide.data()));
    EXPECT_EQ(wide, utf16);
    EXPECT_EQ(fits_latin1(utf8), latin1.has_value());
    if (!latin1) continue;
    EXPECT_EQ(latin1_to_utf8(as_bytes(*latin1)), utf8);
    std::string narrow(utf8.size(), '\0');
    narrow.resize(utf8_to_latin1(utf8, reinterpret_cast<std::uint8_t*>(narrow.data())));
    EXPECT_EQ(narrow, *latin1);
  }
}

TEST(Transcoding, LoneSurrogatesAreRefused) {
  using Units = std::vector<char16_t>;
  for (const Units& units :
       {Units{0xd800}, Units{0xdc00}, Units{0xdfff, 'a'}, Units{0xdbff, 'a'}, Units{0xd800, 0xd800},
        Units{'a', 0xd800}, Units{0xdc00, 0xd800}, Units{0xd83d, 0xde00, 0xd83d}}) {
    EXPECT_FALSE(utf16_to_utf8(units));
  }
}

}  // namespace
}  // namespace unbolt::component
