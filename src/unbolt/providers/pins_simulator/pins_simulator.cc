#include "unbolt/providers/pins_simulator/pins_simulator.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "unbolt/contracts/text.h"
#include "unbolt/providers/pins_simulator/control.h"
#include "unbolt/providers/pins_simulator/drawing.h"
#include "unbolt/providers/pins_simulator/event_file.h"

namespace unbolt::providers {
namespace {

using namespace contracts;
using simulator::Control;
using simulator::EventFile;
using simulator::Shown;

// What waits to be shown; more than that is told as the whole board.
constexpr std::size_t kWaiting = 1024;
// A terminal shows at most this many pictures a second, near enough.
constexpr std::chrono::milliseconds kBetweenPictures{30};

class PinsSimulator final : public PinBoard {
 public:
  PinsSimulator(PinsSimulatorOptions options, std::optional<EventFile> events,
                std::optional<Control> control, files::Descriptor bell, Log& log)
      : PinBoard(std::move(options.pins)),
        output_(options.output),
        terminal_(::isatty(options.output) == 1),
        events_(std::move(events)),
        control_(std::move(control)),
        bell_(std::move(bell)),
        log_(log),
        thread_([this, first = whole_board()] { run(first); }) {}

  ~PinsSimulator() override {
    stopping_ = true;
    ring();
    thread_.join();
  }

 private:
  void changed(const PinSpec& spec, const PinValue& value) override {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() == kWaiting) {
        lost_ = true;
        return;
      }
      waiting_.push_back({spec, value});
    }
    ring();
  }

  void ring() {
    const std::uint64_t one = 1;
    (void)!::write(bell_.number(), &one, sizeof one);
  }

  std::vector<Shown> whole_board() {
    std::vector<Shown> board;
    see_all([&](const PinSpec& spec, const PinValue& value) { board.push_back({spec, value}); });
    return board;
  }

  void run(const std::vector<Shown>& first) {
    show(first);
    while (!stopping_) {
      pollfd ready[] = {{bell_.number(), POLLIN, 0},
                        {control_ ? control_->descriptor() : -1, POLLIN, 0}};
      ::poll(ready, 2, -1);
      std::uint64_t rung = 0;
      (void)!::read(bell_.number(), &rung, sizeof rung);
      if (ready[1].revents != 0) press();
      show_waiting();
      if (picture_ && !stopping_) std::this_thread::sleep_for(kBetweenPictures);
    }
    show_waiting();
    if (picture_) put(simulator::end_drawing(rows_));
  }

  void press() {
    for (const std::string& line : control_->lines()) {
      auto pressed = simulator::parse_pressed(line);
      if (!pressed) {
        log_.line(LogLevel::Warn, "pins", "control: {}", pressed.error().message);
        continue;
      }
      PinResult<> driven;
      if (pressed->what != "low") driven = drive(pressed->input, PinLevel::High);
      if (driven && pressed->what != "high") driven = drive(pressed->input, PinLevel::Low);
      if (!driven)
        log_.line(LogLevel::Warn, "pins", "control: '{}': {}", printable(line, 80),
                  to_string(driven.error()));
    }
  }

  void show_waiting() {
    std::vector<Shown> changes;
    bool lost = false;
    {
      const std::lock_guard lock(mutex_);
      changes.swap(waiting_);
      lost = std::exchange(lost_, false);
    }
    if (lost) changes = whole_board();
    if (!changes.empty()) show(changes);
  }

  void show(const std::vector<Shown>& changes) {
    if (terminal_ && draw()) {
      // Each change is in the picture.
    } else {
      std::string lines;
      for (const Shown& pin : changes) lines += "pins: " + simulator::as_text(pin) + "\n";
      put(lines);
    }
    for (const Shown& pin : changes) {
      if (!events_) return;
      const std::string line = simulator::as_json(pin);
      if (!events_->has_room(line.size())) {
        for (const Shown& each : whole_board()) tell(simulator::as_json(each));
      }
      tell(line);
    }
  }

  void tell(const std::string& line) {
    if (!events_) return;
    if (auto written = events_->write(line); !written) {
      log_.line(LogLevel::Warn, "pins", "{}; no more are written", written.error().message);
      events_.reset();
    }
  }

  bool draw() {
    winsize size = {};
    if (::ioctl(output_, TIOCGWINSZ, &size) != 0) return false;
    const auto board = whole_board();
    const std::string picture = simulator::draw(board, size.ws_row, size.ws_col);
    if (picture.empty()) {
      if (picture_) put(simulator::end_drawing(rows_));
      picture_ = false;
      return false;
    }
    if (!picture_ || rows_ != size.ws_row) put(simulator::begin_drawing(board.size(), size.ws_row));
    picture_ = true;
    rows_ = size.ws_row;
    put(picture);
    return true;
  }

  // What the other end does not take for so long is not shown: a terminal that is held never holds
  // the host.
  void put(std::string_view text) {
    while (!text.empty()) {
      pollfd ready{output_, POLLOUT, 0};
      const int found = ::poll(&ready, 1, 100);
      if (found < 0 && errno == EINTR) continue;
      if (found <= 0) return;
      const ssize_t written =
          ::write(output_, text.data(), std::min<std::size_t>(text.size(), 512));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  const int output_;
  const bool terminal_;
  // Of the thread alone.
  std::optional<EventFile> events_;
  std::optional<Control> control_;
  bool picture_ = false;
  unsigned rows_ = 0;

  const files::Descriptor bell_;
  Log& log_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<Shown> waiting_;
  bool lost_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::shared_ptr<PinBoard>> make_pins_simulator(PinsSimulatorOptions options, Log& log) {
  std::optional<EventFile> events;
  std::optional<Control> control;
  if (!options.events.empty()) {
    UNBOLT_ASSIGN(auto opened, EventFile::open(options.events));
    events.emplace(std::move(opened));
  }
  if (!options.control.empty()) {
    UNBOLT_ASSIGN(auto opened, Control::open(options.control));
    control.emplace(std::move(opened));
  }
  files::Descriptor bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return fail(ErrorCode::Io, "the simulated board: no descriptor is left");
  return std::make_shared<PinsSimulator>(std::move(options), std::move(events), std::move(control),
                                         std::move(bell), log);
}

Result<std::shared_ptr<Pins>> open_pins_simulator(const ProviderUrl& url,
                                                  const ProviderContext& context) {
  static constexpr std::string_view kOptions[] = {"pins", "events", "control"};
  UNBOLT_TRY(url.only_options(kOptions));
  const auto option = [&](std::string_view name, std::string_view otherwise) {
    const auto found = url.query.find(name);
    return found == url.query.end() ? std::string(otherwise) : found->second;
  };
  PinsSimulatorOptions options{.events = option("events", ""), .control = option("control", "")};
  UNBOLT_ASSIGN(options.pins, parse_pins(option("pins", example_pins())));
  return make_pins_simulator(std::move(options), context.log);
}

}  // namespace unbolt::providers
