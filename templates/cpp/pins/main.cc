// PUT switches the alert light on, DELETE off again. Edit it while `unbolt dev` runs.
#include "http.h"

Response handle(const Request& request) {
  const bool on = request.method == "PUT";
  if (!on && request.method != "DELETE") return {405, "PUT or DELETE\n"};
  app_string_t pin = lend("alert");
  unbolt_pins_board_error_t error;
  if (unbolt_pins_board_set_level(
          &pin, on ? UNBOLT_PINS_BOARD_LEVEL_HIGH : UNBOLT_PINS_BOARD_LEVEL_LOW, &error))
    return {200, on ? "the alert light is on\n" : "the alert light is off\n"};
  unbolt_pins_board_error_free(&error);
  return {503, "the board has no output named alert\n"};
}
