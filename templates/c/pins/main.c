// PUT switches the alert light on, DELETE off again. Edit it while `unbolt dev` runs.
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "http.h"

struct response handle(const struct request *request) {
  bool on = strcmp(request->method, "PUT") == 0;
  if (!on && strcmp(request->method, "DELETE") != 0)
    return (struct response){405, "text/plain", strdup("PUT or DELETE\n")};
  app_string_t pin;
  app_string_set(&pin, "alert");
  unbolt_pins_board_error_t error;
  if (!unbolt_pins_board_set_level(
          &pin, on ? UNBOLT_PINS_BOARD_LEVEL_HIGH : UNBOLT_PINS_BOARD_LEVEL_LOW, &error)) {
    unbolt_pins_board_error_free(&error);
    return (struct response){503, "text/plain", strdup("the board has no output named alert\n")};
  }
  return (struct response){200, "text/plain",
                           strdup(on ? "the alert light is on\n" : "the alert light is off\n")};
}
