#include "unbolt/providers/pins_memory/pins_memory.h"

#include <algorithm>

#include "unbolt/contracts/text.h"

namespace unbolt::providers {
namespace {

using namespace contracts;
using Wires = std::vector<std::pair<std::string, std::string>>;

class PinsMemory final : public PinBoard {
 public:
  explicit PinsMemory(PinsMemoryOptions options)
      : PinBoard(std::move(options.pins)), wires_(std::move(options.wires)) {}

  Reply<PinResult<>> set_level(std::string_view pin, PinLevel level) override {
    // Two that set at once: what the input has at last is what the output has.
    const std::lock_guard lock(wiring_);
    if (auto set = PinBoard::set_level(pin, level).take(); !set) return set;
    for (const auto& [output, input] : wires_) {
      if (output == pin) (void)drive(input, level);  // it is there: see make_pins_memory
    }
    return PinResult<>();
  }

 private:
  std::mutex wiring_;
  const Wires wires_;
};

Result<Wires> parse_wires(std::string_view text) {
  Wires wires;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto wire = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto colon = wire.find(':');
    if (colon == wire.npos)
      return fail(ErrorCode::InvalidArgument,
                  "wires: '{}' is no wire: OUTPUT:INPUT, as in wires=bell:door",
                  printable(wire, 80));
    wires.emplace_back(wire.substr(0, colon), wire.substr(colon + 1));
  }
  return wires;
}

bool has(const std::vector<PinSpec>& pins, std::string_view name, PinKind kind) {
  return std::ranges::any_of(
      pins, [&](const PinSpec& pin) { return pin.name == name && pin.kind == kind; });
}

}  // namespace

Result<std::shared_ptr<PinBoard>> make_pins_memory(PinsMemoryOptions options) {
  for (auto wire = options.wires.begin(); wire != options.wires.end(); ++wire) {
    const auto& [output, input] = *wire;
    if (!has(options.pins, output, PinKind::Output))
      return fail(ErrorCode::InvalidArgument, "wires: '{}' is no output of this board",
                  printable(output, 80));
    if (!has(options.pins, input, PinKind::Input))
      return fail(ErrorCode::InvalidArgument, "wires: '{}' is no input of this board",
                  printable(input, 80));
    if (std::any_of(options.wires.begin(), wire, [&](auto& w) { return w.second == input; }))
      return fail(ErrorCode::InvalidArgument, "wires: two lead to the input '{}'", input);
  }
  return std::make_shared<PinsMemory>(std::move(options));
}

Result<std::shared_ptr<Pins>> open_pins_memory(const ProviderUrl& url, const ProviderContext&) {
  static constexpr std::string_view kOptions[] = {"pins", "wires"};
  UNBOLT_TRY(url.only_options(kOptions));
  const auto pins = url.query.find("pins"), wires = url.query.find("wires");
  PinsMemoryOptions options;
  UNBOLT_ASSIGN(options.pins, parse_pins(pins == url.query.end() ? example_pins() : pins->second));
  if (wires != url.query.end()) {
    UNBOLT_ASSIGN(options.wires, parse_wires(wires->second));
  }
  return make_pins_memory(std::move(options));
}

}  // namespace unbolt::providers
