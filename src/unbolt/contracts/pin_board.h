// For providers of `unbolt:pins`: a board that knows its pins, what they were set to and who
// watches them. What is behind them is the provider's.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "unbolt/contracts/pin_watch.h"
#include "unbolt/contracts/pins.h"

namespace unbolt::contracts {

using PinValue = std::variant<PinLevel, std::uint32_t, PinColor>;  // by its kind

class PinBoard : public Pins, public std::enable_shared_from_this<PinBoard> {
 public:
  // `specs`: names are there once (`parse_pins`).
  explicit PinBoard(std::vector<PinSpec> specs);

  Reply<PinResult<std::vector<Pin>>> pins() override;
  Reply<PinResult<>> set_level(std::string_view pin, PinLevel level) override;
  Reply<PinResult<PinLevel>> get_level(std::string_view pin) override;
  Reply<PinResult<>> set_voltage(std::string_view pin, std::uint32_t millivolts) override;
  Reply<PinResult<std::uint32_t>> get_voltage(std::string_view pin) override;
  Reply<PinResult<>> set_color(std::string_view led, PinColor color) override;
  Reply<PinResult<PinColor>> get_color(std::string_view led) override;
  Reply<PinResult<std::shared_ptr<PinWatch>>> watch(std::string_view pin) override;

  // The input has another level, as its wire says; the same again is no change. Who watches it
  // gets an edge. Any thread.
  PinResult<> drive(std::string_view input, PinLevel level);

 protected:
  // Before a value is kept; an error is the caller's, and the value stays what it was. One call at
  // a time, with the board locked: it calls nothing of the board.
  virtual PinResult<> apply(const PinSpec&, const PinValue&) { return {}; }
  // The level that an input has now, where the provider reads it rather than being told. As above.
  virtual PinResult<PinLevel> read(const PinSpec&, PinLevel told) { return told; }
  // After a value was kept that is another than before. As above.
  virtual void changed(const PinSpec&, const PinValue&) {}

  struct State {
    PinSpec spec;
    PinValue value;
  };
  // By name, with the board locked.
  template <class See>
  void see_all(See see) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, pin] : pins_) see(pin.spec, pin.value);
  }

 private:
  struct Watched : State {
    std::vector<std::weak_ptr<EdgeQueue>> watches;
  };
  PinResult<> set(std::string_view name, PinKind kind, PinValue value);
  template <class T>
  PinResult<T> get(std::string_view name, PinKind kind);
  PinResult<Watched*> find(std::string_view name, PinKind kind);

  std::mutex mutex_;
  std::map<std::string, Watched, std::less<>> pins_;
};

}  // namespace unbolt::contracts
