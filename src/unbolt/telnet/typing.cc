#include "unbolt/telnet/typing.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace unbolt::telnet {
namespace {

using contracts::TelnetEvent;
using contracts::TelnetInterrupt;
using contracts::TelnetKey;
using contracts::TelnetLine;
using contracts::TelnetText;

constexpr char kEscape = 27, kInterrupt = 3, kBackspace = 8, kErased = 127;
constexpr std::size_t kLongestSequence = 16;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

struct Decoded {
  std::size_t size;  // 0: it goes on beyond the end
  bool good;
};

// The character at the front (Unicode, table 3-7).
Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, true};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return {1, false};
  unsigned char low = 0x80, high = 0xbf;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size()) return {0, true};
    if (byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80, high = 0xbf;
  }
  return {size, true};
}

// Well-formed text of the front of `bytes`; what is left is an unfinished character, unless `all`.
std::string take_text(std::string& bytes, bool all) {
  std::string text;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto [size, good] = decode(rest);
    if (size == 0 && !all) break;
    text += good && size > 0 ? rest.substr(0, size) : kReplacement;
    rest.remove_prefix(size > 0 ? size : rest.size());
  }
  bytes = std::string(rest);
  return text;
}

// Of an escape sequence without its escape: "[A", "OA", "[5~".
std::optional<TelnetKey> key_of(std::string_view sequence) {
  static constexpr std::pair<std::string_view, TelnetKey> kKeys[] = {
      {"[A", TelnetKey::Up},      {"[B", TelnetKey::Down},      {"[C", TelnetKey::Right},
      {"[D", TelnetKey::Left},    {"OA", TelnetKey::Up},        {"OB", TelnetKey::Down},
      {"OC", TelnetKey::Right},   {"OD", TelnetKey::Left},      {"[H", TelnetKey::Home},
      {"[F", TelnetKey::End},     {"OH", TelnetKey::Home},      {"OF", TelnetKey::End},
      {"[1~", TelnetKey::Home},   {"[7~", TelnetKey::Home},     {"[4~", TelnetKey::End},
      {"[8~", TelnetKey::End},    {"[2~", TelnetKey::Insert},   {"[3~", TelnetKey::Delete},
      {"[5~", TelnetKey::PageUp}, {"[6~", TelnetKey::PageDown},
  };
  const auto found =
      std::ranges::find(kKeys, sequence, &std::pair<std::string_view, TelnetKey>::first);
  if (found == std::end(kKeys)) return std::nullopt;
  return found->second;
}

}  // namespace

void Typing::set_mode(contracts::TelnetMode mode, std::vector<TelnetEvent>& out) {
  const bool characters = mode == contracts::TelnetMode::Character;
  if (characters == characters_) return;
  characters_ = characters;
  if (characters) {
    text_ = std::exchange(line_, {});
    flush_text(out, true);
  } else {
    escape_is_over(out);
    text_.clear();
  }
}

bool Typing::take(ByteView bytes, std::vector<TelnetEvent>& out) {
  for (const std::uint8_t byte : bytes) {
    const char c = static_cast<char>(byte);
    // A line ends with CR LF, CR NUL, or either alone.
    if (std::exchange(after_return_, false) && (c == '\n' || c == '\0')) continue;
    after_return_ = c == '\r';
    if (!sequence_.empty()) {
      sequence_byte(c, out);
    } else if (characters_) {
      character_byte(c, out);
    } else {
      line_byte(c, out);
      if (line_.size() > kLongestLine) return false;
    }
  }
  flush_text(out, false);
  return true;
}

void Typing::line_byte(char c, std::vector<TelnetEvent>& out) {
  switch (c) {
    case '\r':
    case '\n': out.push_back(TelnetLine{take_text(line_, true)}); return;
    case kInterrupt:
      line_.clear();
      out.push_back(TelnetInterrupt{});
      return;
    case kBackspace:
    case kErased: return erase_character();
    case '\0': return;
    default: line_ += c;
  }
}

void Typing::character_byte(char c, std::vector<TelnetEvent>& out) {
  const auto key = [&](TelnetKey pressed) {
    flush_text(out, true);
    out.push_back(pressed);
  };
  switch (c) {
    case '\r':
    case '\n': return key(TelnetKey::Enter);
    case '\t': return key(TelnetKey::Tab);
    case kBackspace:
    case kErased: return key(TelnetKey::Backspace);
    case kInterrupt:
      flush_text(out, true);
      out.push_back(TelnetInterrupt{});
      return;
    case kEscape:
      flush_text(out, true);
      sequence_ = c;
      return;
    case '\0': return;
    default: text_ += c;
  }
}

void Typing::sequence_byte(char c, std::vector<TelnetEvent>& out) {
  if (sequence_.size() == 1 && c != '[' && c != 'O') {
    escape_is_over(out);
    return character_byte(c, out);
  }
  sequence_ += c;
  // "[" parameters, and one letter or "~"; "O" and a letter.
  const bool ends = sequence_.size() > 2 && c >= '@' && c <= '~';
  if (ends) {
    if (const auto key = key_of(std::string_view(sequence_).substr(1))) out.push_back(*key);
    sequence_.clear();  // what is no key that anyone knows is passed over
  } else if (sequence_.size() > kLongestSequence || static_cast<unsigned char>(c) < ' ') {
    sequence_.clear();
  }
}

void Typing::escape_is_over(std::vector<TelnetEvent>& out) {
  if (sequence_.empty()) return;
  out.push_back(TelnetKey::Escape);
  text_ += sequence_.substr(1);
  sequence_.clear();
  flush_text(out, false);
}

void Typing::erase_character() {
  while (!line_.empty()) {
    const char last = line_.back();
    line_.pop_back();
    if ((static_cast<unsigned char>(last) & 0xc0) != 0x80) return;
  }
}

void Typing::flush_text(std::vector<TelnetEvent>& out, bool all) {
  if (text_.empty()) return;
  if (auto text = take_text(text_, all); !text.empty()) out.push_back(TelnetText{std::move(text)});
}

}  // namespace unbolt::telnet
