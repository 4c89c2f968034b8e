// For tests: a GPIO chip behind libgpiod's functions. What it promises is what was read in
// libgpiod's documentation; no kernel is asked.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>

#include "unbolt/providers/pins_gpio/library.h"

struct gpiod_line {
  bool requested = false;
  const char* foreign = nullptr;  // who else has it
  int flags = 0;
  int value = 0;
  int fails = 0;  // what a read or write of it answers, as one of <cerrno>
  int events[2] = {-1, -1};
};
struct gpiod_chip {
  std::array<gpiod_line, 32> lines;
};

namespace unbolt::providers::gpio {

// One a process; `reset` between tests. Thread-safe.
struct FakeChip {
  static inline std::mutex mutex;
  static inline gpiod_chip chip;
  static inline int open = 0;
  static inline int open_fails = 0;

  static void reset() {
    const std::lock_guard lock(mutex);
    chip = {};
    open = open_fails = 0;
  }
  // The wire of an input changes.
  static void drive(unsigned number, int value) {
    const std::lock_guard lock(mutex);
    gpiod_line& line = chip.lines[number];
    if (line.value == value) return;
    line.value = value;
    const char edge = value ? GPIOD_LINE_EVENT_RISING_EDGE : GPIOD_LINE_EVENT_FALLING_EDGE;
    if (line.events[1] >= 0) (void)!::write(line.events[1], &edge, 1);
  }
  static int value(unsigned number) {
    const std::lock_guard lock(mutex);
    return chip.lines[number].value;
  }
  static gpiod_line line(unsigned number) {
    const std::lock_guard lock(mutex);
    return chip.lines[number];
  }

  static Library library() {
    Library fake;
    fake.gpiod_chip_open = [](const char*) -> gpiod_chip* {
      const std::lock_guard lock(mutex);
      errno = open_fails;
      if (open_fails) return nullptr;
      ++open;
      return &chip;
    };
    fake.gpiod_chip_close = [](gpiod_chip* closed) {
      const std::lock_guard lock(mutex);
      --open;
      for (gpiod_line& line : closed->lines) {
        line.requested = false;
        for (int& end : line.events) {
          if (end >= 0) ::close(end);
          end = -1;
        }
      }
    };
    fake.gpiod_chip_num_lines = [](gpiod_chip* of) -> unsigned { return of->lines.size(); };
    fake.gpiod_chip_get_line = [](gpiod_chip* of, unsigned number) { return &of->lines[number]; };
    fake.gpiod_line_consumer = [](gpiod_line* line) { return line->foreign; };
    fake.gpiod_line_request = [](gpiod_line* line, const gpiod_line_request_config* config,
                                 int value) {
      const std::lock_guard lock(mutex);
      errno = EBUSY;
      if (line->foreign || line->requested) return -1;
      line->requested = true;
      line->flags = config->flags;
      if (config->request_type == GPIOD_LINE_REQUEST_DIRECTION_OUTPUT) {
        line->value = value;
        return 0;
      }
      return ::pipe(line->events);
    };
    fake.gpiod_line_get_value = [](gpiod_line* line) {
      const std::lock_guard lock(mutex);
      errno = line->fails;
      return line->fails ? -1 : line->value;
    };
    fake.gpiod_line_set_value = [](gpiod_line* line, int value) {
      const std::lock_guard lock(mutex);
      errno = line->fails;
      if (line->fails) return -1;
      line->value = value;
      return 0;
    };
    fake.gpiod_line_event_get_fd = [](gpiod_line* line) { return line->events[0]; };
    fake.gpiod_line_event_read = [](gpiod_line* line, gpiod_line_event* event) {
      char edge = 0;
      if (::read(line->events[0], &edge, 1) != 1) return -1;
      event->event_type = edge;
      return 0;
    };
    return fake;
  }
};

}  // namespace unbolt::providers::gpio
