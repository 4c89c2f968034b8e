#include "unbolt/providers/pins_gpio/pins_gpio.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "unbolt/contracts/text.h"
#include "unbolt/files/descriptor.h"

namespace unbolt::providers {
namespace {

using namespace contracts;
using gpio::Library;
using gpio::PinLines;

constexpr const char* kConsumer = "unbolt";
constexpr std::uint8_t kThreshold = 128;  // of a colour, from which on its line is high

struct Closes {
  const Library* library;
  void operator()(gpiod_chip* chip) const { library->gpiod_chip_close(chip); }
};
using Chip = std::unique_ptr<gpiod_chip, Closes>;

using LinesOf = std::map<std::string, std::vector<gpiod_line*>, std::less<>>;
struct Input {
  std::string name;
  gpiod_line* line;
  int events;  // a descriptor, the line's
};

std::vector<PinSpec> specs(const std::vector<PinLines>& pins) {
  std::vector<PinSpec> all;
  for (const PinLines& pin : pins) all.push_back(pin.spec);
  return all;
}

class PinsGpio final : public PinBoard {
 public:
  PinsGpio(const std::vector<PinLines>& pins, const Library& library, Chip chip, LinesOf lines,
           std::vector<Input> inputs, files::Descriptor bell, Log& log)
      : PinBoard(specs(pins)),
        library_(library),
        chip_(std::move(chip)),
        lines_(std::move(lines)),
        inputs_(std::move(inputs)),
        bell_(std::move(bell)),
        log_(log) {
    for (const Input& input : inputs_) {
      if (library_.gpiod_line_get_value(input.line) == 1) (void)drive(input.name, PinLevel::High);
    }
    thread_ = std::thread([this] { run(); });
  }

  ~PinsGpio() override {
    stopping_ = true;
    const std::uint64_t one = 1;
    (void)!::write(bell_.number(), &one, sizeof one);
    thread_.join();
  }

 private:
  PinResult<> apply(const PinSpec& spec, const PinValue& value) override {
    const auto& lines = lines_.find(spec.name)->second;
    if (const auto* level = std::get_if<PinLevel>(&value)) return put(lines[0], *level);
    const PinColor color = std::get<PinColor>(value);
    const std::uint8_t parts[] = {color.red, color.green, color.blue};
    for (std::size_t i = 0; i < 3; ++i)
      UNBOLT_TRY(put(lines[i], parts[i] >= kThreshold ? PinLevel::High : PinLevel::Low));
    return {};
  }

  PinResult<PinLevel> read(const PinSpec& spec, PinLevel) override {
    const int value = library_.gpiod_line_get_value(lines_.find(spec.name)->second[0]);
    if (value < 0) return failed("cannot be read");
    return value == 0 ? PinLevel::Low : PinLevel::High;
  }

  PinResult<> put(gpiod_line* line, PinLevel level) {
    if (library_.gpiod_line_set_value(line, level == PinLevel::High) == 0) return {};
    return failed("cannot be set");
  }
  std::unexpected<PinError> failed(std::string_view what) {
    return std::unexpected(PinError(fmt::format("the line {}: {}", what, std::strerror(errno))));
  }

  void run() {
    std::vector<pollfd> waits{{bell_.number(), POLLIN, 0}};
    for (const Input& input : inputs_) waits.push_back({input.events, POLLIN | POLLPRI, 0});
    while (!stopping_) {
      ::poll(waits.data(), waits.size(), -1);
      for (std::size_t i = 1; i < waits.size() && !stopping_; ++i) {
        if (waits[i].revents != 0 && !take_event(inputs_[i - 1])) waits[i].fd = -1;
      }
    }
  }

  bool take_event(const Input& input) {
    gpiod_line_event event = {};
    if (library_.gpiod_line_event_read(input.line, &event) != 0) {
      if (errno == EINTR || errno == EAGAIN) return true;
      log_.line(LogLevel::Warn, "pins", "gpio: {}: no more of its changes are seen: {}", input.name,
                std::strerror(errno));
      return false;
    }
    (void)drive(input.name,
                event.event_type == GPIOD_LINE_EVENT_RISING_EDGE ? PinLevel::High : PinLevel::Low);
    return true;
  }

  const Library& library_;
  const Chip chip_;  // its lines go with it
  const LinesOf lines_;
  const std::vector<Input> inputs_;
  const files::Descriptor bell_;
  Log& log_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

ErrorCode code_of(int why) {
  switch (why) {
    case ENOENT: return ErrorCode::NotFound;
    case EACCES:
    case EPERM: return ErrorCode::Denied;
    case EBUSY: return ErrorCode::Conflict;
    case ENOTTY:
    case EISDIR:
    case ENODEV:
    case EINVAL: return ErrorCode::InvalidArgument;
    default: return ErrorCode::Io;
  }
}

Error no_chip(const std::string& chip, int why) {
  Error error{code_of(why), fmt::format("gpio:{}: {}", chip, std::strerror(why)), {}, why};
  if (why == ENOENT || why == ENXIO) {
    error.hint = "`ls /dev/gpiochip*` shows the chips of this machine";
  } else if (why == EACCES) {
    error.hint = "the user needs the right to it: on a Raspberry Pi, usermod -aG gpio USER";
  } else if (why == ENOTTY || why == EISDIR || why == ENODEV || why == EINVAL) {
    error.message = fmt::format("gpio:{}: it is no GPIO chip", chip);
    error.hint = "name one, as in gpio:gpiochip0";
  }
  return error;
}

Result<gpiod_line*> request(const Library& library, gpiod_chip* chip, unsigned number,
                            const PinLines& pin) {
  const auto context = [&] { return fmt::format("gpio: {}: line {}", pin.spec.name, number); };
  if (number >= library.gpiod_chip_num_lines(chip))
    return fail(ErrorCode::InvalidArgument, "{}: the chip has the lines 0 to {}", context(),
                static_cast<int>(library.gpiod_chip_num_lines(chip)) - 1);
  gpiod_line* line = library.gpiod_chip_get_line(chip, number);
  const bool input = pin.spec.kind == PinKind::Input;
  const gpiod_line_request_config config{
      kConsumer, input ? GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES : GPIOD_LINE_REQUEST_DIRECTION_OUTPUT,
      pin.flags};
  if (line && library.gpiod_line_request(line, &config, 0) == 0) return line;
  const int why = errno;
  if (line && why == EBUSY) {
    const char* consumer = library.gpiod_line_consumer(line);
    return fail(ErrorCode::Conflict, "{}: it is in use by {}", context(),
                consumer ? printable(consumer, 40) : "another program");
  }
  return std::unexpected(
      Error{code_of(why), fmt::format("{}: {}", context(), std::strerror(why)), {}, why});
}

}  // namespace

Result<std::shared_ptr<PinBoard>> make_pins_gpio(PinsGpioOptions options, const Library& library,
                                                 Log& log) {
  errno = 0;
  Chip chip(library.gpiod_chip_open(options.chip.c_str()), Closes{&library});
  if (!chip) return std::unexpected(no_chip(options.chip, errno));
  LinesOf lines;
  std::vector<Input> inputs;
  for (const PinLines& pin : options.pins) {
    auto& of = lines[pin.spec.name];
    for (const unsigned number : pin.lines) {
      UNBOLT_ASSIGN(auto* line, request(library, chip.get(), number, pin));
      of.push_back(line);
    }
    if (pin.spec.kind == PinKind::Input)
      inputs.push_back({pin.spec.name, of[0], library.gpiod_line_event_get_fd(of[0])});
  }
  files::Descriptor bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return fail(ErrorCode::Io, "gpio: no descriptor is left");
  return std::make_shared<PinsGpio>(options.pins, library, std::move(chip), std::move(lines),
                                    std::move(inputs), std::move(bell), log);
}

Result<std::shared_ptr<Pins>> open_pins_gpio(const ProviderUrl& url,
                                             const ProviderContext& context) {
  static constexpr std::string_view kOptions[] = {"pins"};
  UNBOLT_TRY(url.only_options(kOptions));
  PinsGpioOptions options;
  if (!url.path.empty()) options.chip = url.path[0] == '/' ? url.path : "/dev/" + url.path;
  const auto pins = url.query.find("pins");
  UNBOLT_ASSIGN(options.pins, gpio::parse_pin_lines(pins == url.query.end() ? "" : pins->second));
  UNBOLT_ASSIGN(const auto* library, Library::load());
  return make_pins_gpio(std::move(options), *library, context.log);
}

}  // namespace unbolt::providers
