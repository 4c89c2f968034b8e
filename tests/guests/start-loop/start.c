// A handler that never gets to handle: its constructor, which runs while it is instantiated, does not end.
#include "exchange.h"

static volatile uint64_t sink;

__attribute__((constructor)) static void never_ends(void) {
  for (;;) sink += 1;
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  struct exchange exchange = {.request = request, .out = response_out};
  answer(&exchange, 200, "not reached\n");
}
