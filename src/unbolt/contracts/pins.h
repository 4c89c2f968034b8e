// The pins capability: wires and lights of a board, by the names that the operator gave them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"

namespace unbolt::contracts {

// What every board keeps to.
struct PinLimits {
  static constexpr std::size_t kPins = 256;
  static constexpr std::size_t kName = 64;      // bytes
  static constexpr std::size_t kWatches = 256;  // of one board, at a time
  static constexpr std::size_t kEdges = 256;    // kept for one watch
  static constexpr std::uint32_t kMillivolts = 1'000'000;
};

// The cases of unbolt:pins/board, in their order.
enum class PinKind : std::uint8_t { Input, Output, Analog, Led };
enum class PinLevel : std::uint8_t { Low, High };
std::string_view to_string(PinKind kind);    // "input"
std::string_view to_string(PinLevel level);  // "low"
std::optional<PinKind> pin_kind(std::string_view text);
std::optional<PinLevel> pin_level(std::string_view text);

struct Pin {
  std::string name;
  PinKind kind = PinKind::Input;
  bool operator==(const Pin&) const = default;
};
struct PinColor {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const PinColor&) const = default;
};
struct PinEdge {
  PinLevel level = PinLevel::Low;
  std::uint32_t missed = 0;  // changes just before this one that were not kept
  bool operator==(const PinEdge&) const = default;
};

// variant error: no such pin; the kind that cannot do it; the most millivolts; in words.
using PinError = std::variant<std::monostate, PinKind, std::uint32_t, std::string>;
template <class T = void>
using PinResult = std::expected<T, PinError>;
std::string to_string(const PinError& error);  // for messages

// The changes of one input, from when it was made. On one loop.
class PinWatch {
 public:
  virtual ~PinWatch() = default;

  // In their order; none at the end of `patience`. Cancelling it loses no change. One at a time.
  virtual Reply<PinResult<std::optional<PinEdge>>> next(std::chrono::milliseconds patience) = 0;
};

// What a provider of `unbolt:pins` implements. Shared by all loops: every function is thread-safe.
// `pin` holds until the function returns.
class Pins {
 public:
  virtual ~Pins() = default;

  virtual Reply<PinResult<std::vector<Pin>>> pins() = 0;  // in the order of their names
  virtual Reply<PinResult<>> set_level(std::string_view pin, PinLevel level) = 0;
  virtual Reply<PinResult<PinLevel>> get_level(std::string_view pin) = 0;
  virtual Reply<PinResult<>> set_voltage(std::string_view pin, std::uint32_t millivolts) = 0;
  virtual Reply<PinResult<std::uint32_t>> get_voltage(std::string_view pin) = 0;
  virtual Reply<PinResult<>> set_color(std::string_view led, PinColor color) = 0;
  virtual Reply<PinResult<PinColor>> get_color(std::string_view led) = 0;
  // Keeps the board.
  virtual Reply<PinResult<std::shared_ptr<PinWatch>>> watch(std::string_view pin) = 0;
};

// What the operator says of one pin.
struct PinSpec {
  std::string name;
  PinKind kind = PinKind::Output;
  std::uint32_t most_millivolts = 3300;  // of an analog one
  bool operator==(const PinSpec&) const = default;
};

// A pin's name: letters, digits, `-`, `_` and `.`, at most `kName`.
Result<> check_pin_name(std::string_view name);
// `NAME:KIND,…`, where an analog pin may say the most that it bears: `dimmer:analog:5000`, in
// millivolts. InvalidArgument says which entry is wrong and what would be right.
Result<std::vector<PinSpec>> parse_pins(std::string_view text);
// A board to begin with, where the operator names no pins: one of each kind.
std::string_view example_pins();

}  // namespace unbolt::contracts
