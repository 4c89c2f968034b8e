// A handler that does what a host must withstand. The path of the request says what; 404 lists the paths.
#include "behaviours.h"

static const struct route kRoutes[] = {
    {"/hello", do_hello},
    // itself
    {"/trap", do_trap},                    // unreachable, below four named functions
    {"/loop", do_loop},                    // computes for ever
    {"/busy-calls", do_busy_calls},        // calls the host for ever
    {"/eat", do_eat},                      // ?pages=N: grows until refused or by N, touches all, says how far
    {"/recurse", do_recurse},              // until the stack ends
    {"/bad-realloc", do_bad_realloc},      // ?mode=trap|outside|misaligned|loop|call
    // malformed
    {"/big-list", do_big_list},            // ?to=fields|write: a length of 2^32 - 1
    {"/bad-pointer", do_bad_pointer},      // a list outside of the memory
    {"/misaligned", do_misaligned},        // a list of records at an odd address
    {"/bad-return-pointer", do_bad_return_pointer},
    {"/bad-utf8", do_bad_utf8},            // a string that is none
    {"/bad-discriminant", do_bad_discriminant},  // ?of=option|variant
    {"/stale-handle", do_stale_handle},    // used after its drop
    {"/double-drop", do_double_drop},
    {"/foreign-handle", do_foreign_handle},  // of another type
    {"/wild-handle", do_wild_handle},      // ?n=N: never given out
    {"/empty-poll", do_empty_poll},        // poll of nothing
    {"/past-permit", do_past_permit},      // a write of one byte more than was permitted, or ?bytes=N
    // the exchange
    {"/silent", do_silent},                // returns without a response
    {"/silent-drop", do_silent_drop},      // the same, its outparam dropped
    {"/error-code", do_error_code},        // answers with an error instead of a response
    {"/hang", do_hang},                    // waits an hour
    {"/slow", do_slow},                    // ?ms=N: answers later
    {"/leak", do_leak},                    // ?n=N: drops none of N resources
    {"/many-headers", do_many_headers},    // ?n=N&bytes=M: N headers of M bytes each
    {"/header", do_header},                // which headers the host takes
    {"/status", do_status},                // ?code=N
    {"/double-set", do_double_set},        // two responses
    {"/body-twice", do_body_twice},        // asks again for the body and the stream
    {"/body-after-finish", do_body_after_finish},
    {"/parent-first", do_parent_first},    // drops a body before its stream
    {"/finish-early", do_finish_early},    // finishes a body whose stream is open
    {"/unfinished", do_unfinished},        // drops a body that is not finished
    {"/length", do_length},                // ?say=N&send=M: a content-length that may be wrong
    {"/stream", do_stream},                // ?bytes=N&length=1: a long body
    {"/sink", do_sink},                    // reads the body, answers its length
    {"/sleep-in-middle", do_sleep_in_middle},  // ?ms=N: half a body, a pause, the rest
    {"/abort-mid-body", do_abort_mid_body},    // half a body, then a trap
    {"/trailers", do_trailers},
    // facts
    {"/random", do_random},                // ?bytes=N
    {"/clock", do_clock},
    {"/request", do_request},              // what the host says of the request
};

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  struct exchange exchange = {.request = request, .out = response_out};
  exchange_read(&exchange);
  dispatch(&exchange, kRoutes, sizeof kRoutes / sizeof *kRoutes);
}
