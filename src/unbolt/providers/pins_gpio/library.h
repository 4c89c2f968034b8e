// libgpiod, loaded when a provider first needs it: most hosts have no pins.
#pragma once

#include <gpiod.h>

#include "unbolt/base/error.h"

namespace unbolt::providers::gpio {

// Its functions, by their names. Tests fill one with a chip of their own.
struct Library {
#define UNBOLT_GPIOD_FUNCTIONS(use)                                                             \
  use(gpiod_chip_open) use(gpiod_chip_close) use(gpiod_chip_num_lines) use(gpiod_chip_get_line) \
      use(gpiod_line_consumer) use(gpiod_line_request) use(gpiod_line_get_value)                \
          use(gpiod_line_set_value) use(gpiod_line_event_get_fd) use(gpiod_line_event_read)
#define UNBOLT_GPIOD_MEMBER(name) decltype(&::name) name = nullptr;
  UNBOLT_GPIOD_FUNCTIONS(UNBOLT_GPIOD_MEMBER)
#undef UNBOLT_GPIOD_MEMBER

  // Loads it once; Unsupported, with what to install, where it is not there.
  static Result<const Library*> load();
};

}  // namespace unbolt::providers::gpio
