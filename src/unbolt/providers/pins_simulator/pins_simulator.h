// `simulator:` for `unbolt:pins`, a board on the screen.
#pragma once

#include <string>
#include <vector>

#include "unbolt/contracts/pin_board.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

struct PinsSimulatorOptions {
  std::vector<contracts::PinSpec> pins;
  std::string events;   // a file or FIFO for lines of JSON; "": none
  std::string control;  // a FIFO by which inputs are pressed; "": none
  int output = 1;       // where the board is shown; a terminal gets a picture, anything else lines
};

// `log` outlives it. Nobody waits for what shows the board: changes that come faster than that are
// shown as what they came to.
Result<std::shared_ptr<contracts::PinBoard>> make_pins_simulator(PinsSimulatorOptions options,
                                                                 Log& log);

// The factory for `simulator:[?pins=NAME:KIND,…][&events=PATH][&control=PATH]`.
Result<std::shared_ptr<contracts::Pins>> open_pins_simulator(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
