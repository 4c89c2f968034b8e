#include "unbolt/providers/pins_gpio/pin_lines.h"

#include <gpiod.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "unbolt/contracts/text.h"

namespace unbolt::providers::gpio {
namespace {

using namespace contracts;

std::string_view cut(std::string_view& text, char at) {
  const auto end = std::min(text.find(at), text.size());
  const auto first = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return first;
}

std::unexpected<Error> wrong(std::string_view entry, std::string_view why,
                             ErrorCode code = ErrorCode::InvalidArgument) {
  return std::unexpected(
      Error{code, fmt::format("pins: '{}': {}", printable(entry, 80), why),
            "name them as in pins=alert:output:17,door:input:27:pull-up,mood:led:5/6/13"});
}

std::optional<int> flag(std::string_view name) {
  if (name == "active-low") return GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW;
  if (name == "pull-up") return GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP;
  if (name == "pull-down") return GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;
  return std::nullopt;
}

Result<PinLines> parse_pin(std::string_view entry) {
  auto rest = entry;
  PinLines pin;
  pin.spec.name = cut(rest, ':');
  UNBOLT_TRY(check_pin_name(pin.spec.name));
  const auto kind = pin_kind(cut(rest, ':'));
  if (!kind) return wrong(entry, "its kind is input, output or led");
  if (*kind == PinKind::Analog)
    return wrong(entry, "Linux' GPIO character device has no voltages, so gpio: has no analog pins",
                 ErrorCode::Unsupported);
  pin.spec.kind = *kind;
  const bool led = *kind == PinKind::Led;
  auto lines = cut(rest, ':');
  while (!lines.empty()) {
    const auto number = cut(lines, '/');
    unsigned line = 0;
    const auto end = number.data() + number.size();
    const auto [at, error] = std::from_chars(number.data(), end, line);
    if (error != std::errc() || at != end || pin.lines.size() == 3)
      return wrong(entry, "a line is a number of the chip's");
    pin.lines.push_back(line);
  }
  if (pin.lines.size() != (led ? 3 : 1))
    return wrong(entry, led ? "a light has three lines, RED/GREEN/BLUE" : "it has one line");
  while (!rest.empty()) {
    const auto set = flag(cut(rest, ':'));
    if (!set) return wrong(entry, "behind its line are active-low, pull-up and pull-down");
    pin.flags |= *set;
  }
  constexpr int kBoth =
      GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP | GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;
  if ((pin.flags & kBoth) == kBoth) return wrong(entry, "it is pulled up or down, not both");
  return pin;
}

}  // namespace

Result<std::vector<PinLines>> parse_pin_lines(std::string_view text) {
  std::vector<PinLines> pins;
  std::vector<unsigned> used;
  if (text.empty()) return wrong(text, "no pin is named");
  while (!text.empty()) {
    const auto entry = cut(text, ',');
    UNBOLT_ASSIGN(auto pin, parse_pin(entry));
    if (std::ranges::any_of(pins, [&](auto& p) { return p.spec.name == pin.spec.name; }))
      return wrong(entry, "a pin of this name is there already");
    for (const unsigned line : pin.lines) {
      if (std::ranges::find(used, line) != used.end())
        return wrong(entry, fmt::format("line {} has a pin already", line));
      used.push_back(line);
    }
    if (pins.size() == PinLimits::kPins) return wrong(entry, "a board has 256 pins at most");
    pins.push_back(std::move(pin));
  }
  return pins;
}

}  // namespace unbolt::providers::gpio
