// One function a behaviour; hostile.c says which path asks for which.
#pragma once

#include "exchange.h"

// compute.c: what a guest does to itself
void do_trap(struct exchange*);
void do_loop(struct exchange*);
void do_busy_calls(struct exchange*);
void do_eat(struct exchange*);
void do_recurse(struct exchange*);
void do_bad_realloc(struct exchange*);

// malformed.c: what no generated binding would pass to the host
void do_big_list(struct exchange*);
void do_bad_pointer(struct exchange*);
void do_misaligned(struct exchange*);
void do_bad_return_pointer(struct exchange*);
void do_bad_utf8(struct exchange*);
void do_bad_discriminant(struct exchange*);
void do_stale_handle(struct exchange*);
void do_double_drop(struct exchange*);
void do_foreign_handle(struct exchange*);
void do_wild_handle(struct exchange*);
void do_empty_poll(struct exchange*);
void do_past_permit(struct exchange*);

// http.c: what a guest does with a request and its response
void do_hello(struct exchange*);
void do_silent(struct exchange*);
void do_silent_drop(struct exchange*);
void do_error_code(struct exchange*);
void do_hang(struct exchange*);
void do_slow(struct exchange*);
void do_leak(struct exchange*);
void do_many_headers(struct exchange*);
void do_header(struct exchange*);
void do_status(struct exchange*);
void do_double_set(struct exchange*);
void do_body_twice(struct exchange*);
void do_body_after_finish(struct exchange*);
void do_parent_first(struct exchange*);
void do_finish_early(struct exchange*);
void do_unfinished(struct exchange*);
void do_length(struct exchange*);
void do_stream(struct exchange*);
void do_sink(struct exchange*);
void do_sleep_in_middle(struct exchange*);
void do_abort_mid_body(struct exchange*);
void do_trailers(struct exchange*);

// facts.c: what a guest is told
void do_random(struct exchange*);
void do_clock(struct exchange*);
void do_request(struct exchange*);
