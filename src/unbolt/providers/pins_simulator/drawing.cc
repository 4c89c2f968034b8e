#include "unbolt/providers/pins_simulator/drawing.h"

#include <algorithm>

namespace unbolt::providers::simulator {
namespace {

using namespace contracts;

constexpr std::size_t kName = 16, kBar = 20;  // columns
// Of the widest picture: mark, name, kind, bar, value.
constexpr unsigned kColumns = 60;

std::string hex(PinColor color) {
  return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue);
}

std::string value_text(const PinValue& value) {
  if (const auto* level = std::get_if<PinLevel>(&value)) return std::string(to_string(*level));
  if (const auto* color = std::get_if<PinColor>(&value)) return hex(*color);
  return fmt::format("{} mV", std::get<std::uint32_t>(value));
}

}  // namespace

std::string as_text(const Shown& pin) { return pin.spec.name + " " + value_text(pin.value); }

std::string as_json(const Shown& pin) {
  // Names and words need no escape: check_pin_name.
  std::string line =
      fmt::format(R"({{"pin":"{}","kind":"{}",)", pin.spec.name, to_string(pin.spec.kind));
  if (const auto* level = std::get_if<PinLevel>(&pin.value))
    return line + fmt::format("\"level\":\"{}\"}}\n", to_string(*level));
  if (const auto* color = std::get_if<PinColor>(&pin.value))
    return line + fmt::format("\"color\":\"{}\"}}\n", hex(*color));
  return line + fmt::format("\"millivolts\":{}}}\n", std::get<std::uint32_t>(pin.value));
}

std::string as_picture(const Shown& pin) {
  std::string mark = "\x1b[90m○\x1b[0m", bar;
  if (const auto* level = std::get_if<PinLevel>(&pin.value)) {
    const char* color = pin.spec.kind == PinKind::Input ? "92" : "91";
    if (*level == PinLevel::High) mark = fmt::format("\x1b[{}m●\x1b[0m", color);
  } else if (const auto* color = std::get_if<PinColor>(&pin.value)) {
    if (*color != PinColor{})
      mark = fmt::format("\x1b[38;2;{};{};{}m●\x1b[0m", color->red, color->green, color->blue);
  } else {
    const std::uint64_t millivolts = std::get<std::uint32_t>(pin.value);
    const std::uint64_t most = std::max<std::uint32_t>(pin.spec.most_millivolts, 1);
    for (std::size_t i = 0; i < kBar; ++i) bar += i < millivolts * kBar / most ? "█" : "░";
    bar += ' ';
    if (millivolts > 0) mark = "\x1b[93m●\x1b[0m";
  }
  return fmt::format(" {} {:<16} {:<6} {}{}", mark, pin.spec.name.substr(0, kName),
                     to_string(pin.spec.kind), bar, value_text(pin.value));
}

std::string draw(const std::vector<Shown>& board, unsigned rows, unsigned columns) {
  if (rows < board.size() + 5 || columns < kColumns) return {};
  std::string out =
      "\x1b"
      "7";  // the cursor
  for (std::size_t i = 0; i < board.size(); ++i)
    out += fmt::format("\x1b[{};1H\x1b[2K{}", i + 1, as_picture(board[i]));
  out += fmt::format("\x1b[{};1H\x1b[2K\x1b[90m{}\x1b[0m", board.size() + 1,
                     "────────────────────────────────");
  return out +
         "\x1b"
         "8";
}

std::string begin_drawing(std::size_t lines, unsigned rows) {
  if (rows < lines + 5) return {};
  return fmt::format("\x1b[2J\x1b[{};{}r\x1b[{};1H", lines + 2, rows, lines + 2);
}
std::string end_drawing(unsigned rows) { return fmt::format("\x1b[r\x1b[{};1H\n", rows); }

}  // namespace unbolt::providers::simulator
