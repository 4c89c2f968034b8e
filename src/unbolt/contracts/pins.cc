#include "unbolt/contracts/pins.h"

#include <algorithm>
#include <charconv>

#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

constexpr std::string_view kKinds[] = {"input", "output", "analog", "led"};
constexpr std::string_view kLevels[] = {"low", "high"};

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= PinLimits::kName && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

std::string_view cut(std::string_view& text, char at) {
  const auto end = std::min(text.find(at), text.size());
  const auto first = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return first;
}

std::unexpected<Error> wrong(std::string_view entry, std::string_view why) {
  return std::unexpected(Error{ErrorCode::InvalidArgument,
                               fmt::format("pins: '{}': {}", printable(entry, 80), why),
                               fmt::format("name them as in pins={}", example_pins())});
}

}  // namespace

std::string_view to_string(PinKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
std::string_view to_string(PinLevel level) { return kLevels[static_cast<std::size_t>(level)]; }

std::optional<PinKind> pin_kind(std::string_view text) {
  const auto found = std::ranges::find(kKinds, text);
  if (found == std::end(kKinds)) return std::nullopt;
  return static_cast<PinKind>(found - std::begin(kKinds));
}
std::optional<PinLevel> pin_level(std::string_view text) {
  if (text == "low" || text == "0") return PinLevel::Low;
  if (text == "high" || text == "1") return PinLevel::High;
  return std::nullopt;
}

std::string to_string(const PinError& error) {
  switch (error.index()) {
    case 0: return "the board has no such pin";
    case 1:
      return fmt::format("a pin of the kind {} cannot do this", to_string(std::get<1>(error)));
    case 2: return fmt::format("the pin bears {} mV at most", std::get<2>(error));
    default: return std::get<3>(error);
  }
}

Result<> check_pin_name(std::string_view name) {
  if (is_name(name)) return {};
  return wrong(name, "a pin's name is letters, digits, '-', '_' and '.', at most 64 of them");
}

Result<std::vector<PinSpec>> parse_pins(std::string_view text) {
  std::vector<PinSpec> pins;
  if (text.empty()) return wrong(text, "no pin is named");
  while (!text.empty()) {
    const auto entry = cut(text, ',');
    auto rest = entry;
    PinSpec pin;
    pin.name = cut(rest, ':');
    UNBOLT_TRY(check_pin_name(pin.name));
    const auto kind = pin_kind(cut(rest, ':'));
    if (!kind) return wrong(entry, "its kind is input, output, analog or led");
    pin.kind = *kind;
    if (!rest.empty()) {
      const auto end = rest.data() + rest.size();
      const auto [at, error] = std::from_chars(rest.data(), end, pin.most_millivolts);
      if (pin.kind != PinKind::Analog || error != std::errc() || at != end ||
          pin.most_millivolts > PinLimits::kMillivolts)
        return wrong(entry, "behind its kind only an analog pin has the millivolts that it bears");
    }
    if (std::ranges::find(pins, pin.name, &PinSpec::name) != pins.end())
      return wrong(entry, "a pin of this name is there already");
    if (pins.size() == PinLimits::kPins) return wrong(entry, "a board has 256 pins at most");
    pins.push_back(std::move(pin));
  }
  return pins;
}

std::string_view example_pins() { return "alert:output,door:input,dimmer:analog,mood:led"; }

}  // namespace unbolt::contracts
