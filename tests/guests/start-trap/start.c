// A handler that never gets to handle: its constructor, which runs while it is instantiated, traps.
#include "exchange.h"

__attribute__((constructor)) static void gives_up(void) { __builtin_trap(); }

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  struct exchange exchange = {.request = request, .out = response_out};
  answer(&exchange, 200, "not reached\n");
}
