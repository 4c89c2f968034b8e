// What a board looks like.
#pragma once

#include <string>
#include <vector>

#include "unbolt/contracts/pin_board.h"

namespace unbolt::providers::simulator {

struct Shown {
  contracts::PinSpec spec;
  contracts::PinValue value;
};

// "alert high", "dimmer 1650 mV", "mood #ff8000".
std::string as_text(const Shown& pin);
// One line of JSON with its end: {"pin":"alert","kind":"output","level":"high"}; `millivolts` for
// an analog pin, `color` ("#ff8000") for a light.
std::string as_json(const Shown& pin);
// With colours of a terminal: a lamp, a bar for a voltage, a light in its colour.
std::string as_picture(const Shown& pin);

// The board at the top of a terminal of so many rows and columns, and the cursor where it was; the
// lines below are left alone. Empty where there is no room for it.
std::string draw(const std::vector<Shown>& board, unsigned rows, unsigned columns);
// Makes room for `lines` at the top, so that what is written later scrolls beneath.
std::string begin_drawing(std::size_t lines, unsigned rows);
std::string end_drawing(unsigned rows);

}  // namespace unbolt::providers::simulator
