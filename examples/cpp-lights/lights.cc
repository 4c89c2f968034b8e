// Patterns on the lights of a board, and an alert light. Which board it is, and what its pins are called, is the link's.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http.h"

namespace {

using Kind = unbolt_pins_board_kind_t;
using Level = unbolt_pins_board_level_t;
using Color = unbolt_pins_board_color_t;
using Error = unbolt_pins_board_error_t;

constexpr Level kLow = UNBOLT_PINS_BOARD_LEVEL_LOW, kHigh = UNBOLT_PINS_BOARD_LEVEL_HIGH;
constexpr const char* kKinds[] = {"input", "output", "analog", "led"};

void sleep_ms(uint64_t milliseconds) {
  auto timer = wasi_clocks_monotonic_clock_subscribe_duration(milliseconds * 1'000'000);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(timer));
  wasi_io_poll_pollable_drop_own(timer);
}

// The first thing that went wrong, in words; "": nothing did.
class Board {
 public:
  struct Pin {
    std::string name;
    Kind kind;
  };

  std::vector<Pin> pins() {
    std::vector<Pin> all;
    unbolt_pins_board_list_pin_t list;
    Error error;
    if (!unbolt_pins_board_pins(&list, &error)) {
      keep(error);
      return all;
    }
    for (size_t i = 0; i < list.len; ++i) {
      const auto& name = list.ptr[i].name;
      all.push_back({std::string(reinterpret_cast<char*>(name.ptr), name.len), list.ptr[i].kind});
    }
    unbolt_pins_board_list_pin_free(&list);
    return all;
  }

  void set(std::string_view pin, Level level) {
    app_string_t name = lend(pin);
    Error error;
    if (!unbolt_pins_board_set_level(&name, level, &error)) keep(error);
  }
  void set(std::string_view pin, uint32_t millivolts) {
    app_string_t name = lend(pin);
    Error error;
    // A pin that bears less gets the most it bears.
    if (unbolt_pins_board_set_voltage(&name, millivolts, &error)) return;
    if (error.tag == UNBOLT_PINS_BOARD_ERROR_OUT_OF_RANGE && millivolts > error.val.out_of_range)
      return set(pin, error.val.out_of_range);
    keep(error);
  }
  void set(std::string_view pin, Color color) {
    app_string_t name = lend(pin);
    Error error;
    if (!unbolt_pins_board_set_color(&name, &color, &error)) keep(error);
  }

  std::string value(const Pin& pin) {
    app_string_t name = lend(pin.name);
    Error error;
    if (pin.kind == UNBOLT_PINS_BOARD_KIND_ANALOG) {
      uint32_t millivolts = 0;
      if (unbolt_pins_board_get_voltage(&name, &millivolts, &error))
        return std::to_string(millivolts) + " mV";
    } else if (pin.kind == UNBOLT_PINS_BOARD_KIND_LED) {
      Color color;
      if (unbolt_pins_board_get_color(&name, &color, &error))
        return std::to_string(color.red) + "/" + std::to_string(color.green) + "/" +
               std::to_string(color.blue);
    } else {
      Level level;
      if (unbolt_pins_board_get_level(&name, &level, &error)) return level == kHigh ? "high" : "low";
    }
    keep(error);
    return "?";
  }

  // Whether the input gets high within so many milliseconds.
  bool wait_for(std::string_view pin, uint32_t milliseconds) {
    app_string_t name = lend(pin);
    Error error;
    unbolt_pins_board_own_watching_t watching;
    if (!unbolt_pins_board_watch(&name, &watching, &error)) {
      keep(error);
      return false;
    }
    bool high = false;
    unbolt_pins_board_option_edge_t edge;
    const auto borrowed = unbolt_pins_board_borrow_watching(watching);
    do {
      if (!unbolt_pins_board_method_watching_next(borrowed, milliseconds, &edge, &error)) {
        keep(error);
        break;
      }
      high = edge.is_some && edge.val.level == kHigh;
    } while (edge.is_some && !high);
    unbolt_pins_board_watching_drop_own(watching);
    return high;
  }

  const std::string& failure() const { return failure_; }

 private:
  void keep(Error& error) {
    std::string words;
    switch (error.tag) {
      case UNBOLT_PINS_BOARD_ERROR_NO_SUCH_PIN: words = "the board has no such pin"; break;
      case UNBOLT_PINS_BOARD_ERROR_WRONG_KIND:
        words = std::string("it is an ") + kKinds[error.val.wrong_kind];
        break;
      case UNBOLT_PINS_BOARD_ERROR_OUT_OF_RANGE: words = "the pin bears less"; break;
      default:
        words.assign(reinterpret_cast<char*>(error.val.other.ptr), error.val.other.len);
    }
    unbolt_pins_board_error_free(&error);
    if (failure_.empty()) failure_ = words;
  }
  std::string failure_;
};

// One output after the other, there and back.
void chase(Board& board) {
  std::vector<std::string> lamps;
  for (const auto& pin : board.pins()) {
    if (pin.kind == UNBOLT_PINS_BOARD_KIND_OUTPUT && pin.name != "alert") lamps.push_back(pin.name);
  }
  for (size_t step = 0; step < 2 * lamps.size(); ++step) {
    const auto& lamp = lamps[step < lamps.size() ? step : 2 * lamps.size() - 1 - step];
    board.set(lamp, kHigh);
    sleep_ms(80);
    board.set(lamp, kLow);
  }
}

// All lights and voltages, brighter and darker again, each breath in another colour.
void breathe(Board& board) {
  constexpr std::array<Color, 3> kColors = {Color{255, 80, 0}, Color{0, 200, 90}, Color{60, 60, 255}};
  const auto pins = board.pins();
  for (const Color& of : kColors) {
    for (int step = 1; step <= 20; ++step) {
      const unsigned part = step <= 10 ? step : 20 - step;  // tenths
      for (const auto& pin : pins) {
        if (pin.kind == UNBOLT_PINS_BOARD_KIND_ANALOG) board.set(pin.name, 330 * part);
        if (pin.kind != UNBOLT_PINS_BOARD_KIND_LED) continue;
        board.set(pin.name, Color{static_cast<uint8_t>(of.red * part / 10),
                                  static_cast<uint8_t>(of.green * part / 10),
                                  static_cast<uint8_t>(of.blue * part / 10)});
      }
      sleep_ms(30);
    }
  }
}

}  // namespace

Response handle(const Request& request) {
  Board board;
  std::string said;
  if (request.method == "GET" && request.path == "/") {
    for (const auto& pin : board.pins())
      said += pin.name + " " + kKinds[pin.kind] + " " + board.value(pin) + "\n";
  } else if (request.method == "POST" && request.path == "/chase") {
    chase(board);
  } else if (request.method == "POST" && request.path == "/breathe") {
    breathe(board);
  } else if (request.path == "/alert" && (request.method == "PUT" || request.method == "DELETE")) {
    board.set("alert", request.method == "PUT" ? kHigh : kLow);
  } else if (request.method == "POST" && request.path == "/guard") {
    const bool opened = board.wait_for("door", 10'000);
    if (opened) board.set("alert", kHigh);
    said = opened ? "the door was opened\n" : "nobody came\n";
  } else {
    return {404, "GET /, POST /chase, /breathe or /guard, PUT or DELETE /alert\n"};
  }
  if (!board.failure().empty()) return {503, "the board: " + board.failure() + "\n"};
  return {200, said.empty() ? "done\n" : said};
}
