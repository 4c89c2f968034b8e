// `gpio:` for `unbolt:pins`: lines of Linux' GPIO character device.
#pragma once

#include <string>
#include <vector>

#include "unbolt/contracts/pin_board.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/providers/pins_gpio/library.h"
#include "unbolt/providers/pins_gpio/pin_lines.h"

namespace unbolt::providers {

struct PinsGpioOptions {
  std::string chip = "/dev/gpiochip0";
  std::vector<gpio::PinLines> pins;
};

// Has the lines until it is dropped: nobody else can request them meanwhile. Outputs and lights
// begin low and dark. A call is one of the operating system's, made at once on the caller's loop.
// NotFound, Denied, Conflict (somebody has the line: the message says who), InvalidArgument for
// what is no chip or a line that it does not have. `library` outlives the board; `log` too.
Result<std::shared_ptr<contracts::PinBoard>> make_pins_gpio(PinsGpioOptions options,
                                                            const gpio::Library& library, Log& log);

// The factory for `gpio:[CHIP]?pins=NAME:KIND:LINE[:FLAG]…,…`, where CHIP is `gpiochip1` or a path.
Result<std::shared_ptr<contracts::Pins>> open_pins_gpio(const contracts::ProviderUrl& url,
                                                        const contracts::ProviderContext& context);

}  // namespace unbolt::providers
