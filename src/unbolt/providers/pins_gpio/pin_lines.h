// Which lines of a chip are which pins.
#pragma once

#include <string_view>
#include <vector>

#include "unbolt/contracts/pins.h"

namespace unbolt::providers::gpio {

struct PinLines {
  contracts::PinSpec spec;
  std::vector<unsigned> lines;  // one; of a light three: red, green, blue
  int flags = 0;                // GPIOD_LINE_REQUEST_FLAG_…
  bool operator==(const PinLines&) const = default;
};

// `NAME:KIND:LINE[:FLAG]…,…`, as in `alert:output:17`, `door:input:27:pull-up:active-low`,
// `mood:led:5/6/13`; the flags are `active-low`, `pull-up` and `pull-down`. InvalidArgument says
// which entry is wrong and what would be right; no line has two pins. Unsupported for an analog
// pin.
Result<std::vector<PinLines>> parse_pin_lines(std::string_view text);

}  // namespace unbolt::providers::gpio
