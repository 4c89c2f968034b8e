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

TEST(Utf8, Incomplete) {
  for (const std::string_view text : {"\xc3", "abc\xe2\x82", "\xf0\x9f\x98", "ü\xf0\x9f"})
    EXPECT_TRUE(incomplete_utf8(as_bytes(text))) << text;
  for (const std::string_view text : {"", "\xff", "\x80", "\xff\xc3", "\xc3 ", "\xc0\x80"})
    EXPECT_FALSE(incomplete_utf8(as_bytes(text))) << text;
}

struct Sample {
  std::string_view utf8;
  std::u16string_view utf16;
  std::optional<std::string_view> latin1;
};
const Sample kSamples[] = {
    {"", u"", ""},
    {"abc", u"abc", "abc"},
    {"\x7f\xc2\x80\xc3\xbf", u"\u007f\u0080\u00ff", "\x7f\x80\xff"},
    {"\xc4\x80", u"\u0100", {}},
    {"\xdf\xbf\xe0\xa0\x80", u"\u07ff\u0800", {}},
    {"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", u"\ud7ff\ue000\uffff", {}},
    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", u"\U00010000\U0010ffff", {}},
};

std::string_view bytes_of(std::u16string_view text) {
  return {reinterpret_cast<const char*>(text.data()), 2 * text.size()};
}
template <auto Write>
std::string written(const Text& text, std::size_t size) {
  std::string out(size, '?');
  Write(text, reinterpret_cast<std::uint8_t*>(out.data()));
  return out;
}

TEST(Transcoding, EachToEach) {
  for (const auto& [utf8, utf16, latin1] : kSamples) {
    std::vector<Text> sources = {
        {Text::Encoding::Utf8, as_bytes(utf8).data(), utf8.size()},
        {Text::Encoding::Utf16, as_bytes(bytes_of(utf16)).data(), utf16.size()}};
    if (latin1)
      sources.push_back({Text::Encoding::Latin1, as_bytes(*latin1).data(), latin1->size()});
    for (const Text& source : sources) {
      const auto sizes = measure(source);
      ASSERT_TRUE(sizes);
      EXPECT_EQ(sizes->utf8_bytes, utf8.size());
      EXPECT_EQ(sizes->utf16_units, utf16.size());
      EXPECT_EQ(sizes->latin1, latin1.has_value());
      EXPECT_EQ(written<write_utf8>(source, utf8.size()), utf8);
      EXPECT_EQ(written<write_utf16>(source, 2 * utf16.size()), bytes_of(utf16));
      if (latin1) EXPECT_EQ(written<write_latin1>(source, latin1->size()), *latin1);
    }
    EXPECT_EQ(utf16_to_utf8(utf16), utf8);
    EXPECT_EQ(utf8_to_utf16(utf8), utf16);
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
