// `memory:` for `unbolt:pins`, a board in this process.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "unbolt/contracts/pin_board.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

struct PinsMemoryOptions {
  std::vector<contracts::PinSpec> pins;
  // From an output to an input, by name: the input has the level of the output. Several may lead
  // from one output, and one to an input.
  std::vector<std::pair<std::string, std::string>> wires;
};

// Each is a board of its own. InvalidArgument for a wire between what is no output and no input.
Result<std::shared_ptr<contracts::PinBoard>> make_pins_memory(PinsMemoryOptions options);

// The factory for `memory:[NAME][?pins=NAME:KIND,…][&wires=OUTPUT:INPUT,…]`.
Result<std::shared_ptr<contracts::Pins>> open_pins_memory(const contracts::ProviderUrl& url,
                                                          const contracts::ProviderContext&);

}  // namespace unbolt::providers
