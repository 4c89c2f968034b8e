// What the test guests share: a request taken apart, text without a library, and answers in one
// call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

// One call of the handler. `path` has no query; both end with a zero, and are cut at their size.
struct exchange {
  wasi_http_types_own_incoming_request_t request;
  wasi_http_types_own_response_outparam_t out;
  char path[128];
  char query[512];
};

// A response on its way.
struct reply {
  wasi_http_types_own_outgoing_body_t body;
  wasi_io_streams_own_output_stream_t stream;
};

// Text that grows to a bound; what is beyond it is left out.
struct text {
  char bytes[8192];
  size_t length;
};

void text_add(struct text* text, const char* more);
void text_add_bytes(struct text* text, const void* bytes, size_t length);
void text_add_number(struct text* text, uint64_t number);
void text_add_hex(struct text* text, const uint8_t* bytes, size_t length);

guest_string_t lend(const char* text);
guest_list_u8_t lend_bytes(const void* bytes, size_t length);

void exchange_read(struct exchange* exchange);
// The value of `key` in the query, or `otherwise`.
uint64_t query_number(const struct exchange* exchange, const char* key, uint64_t otherwise);
bool query_is(const struct exchange* exchange, const char* key, const char* value);
// Copies the value of `key` into `value`; false if the query has none.
bool query_text(const struct exchange* exchange, const char* key, char* value, size_t size);

// Gives the head to the host; `headers` goes with it.
struct reply reply_start(struct exchange* exchange, uint16_t status,
                         wasi_http_types_own_fields_t headers);
// Writes and waits until it is flushed; false if the host says that the stream is closed or failed.
bool reply_write(struct reply* reply, const void* bytes, size_t length);
bool reply_end(struct reply* reply, wasi_http_types_own_fields_t* trailers);

wasi_http_types_own_fields_t no_headers(void);
void answer(struct exchange* exchange, uint16_t status, const char* text);
void answer_text(struct exchange* exchange, uint16_t status, const struct text* text);

// A behaviour and the path that asks for it.
struct route {
  const char* path;
  void (*run)(struct exchange* exchange);
};
// Calls the route of this path; a path that is not there is answered with 404 and a list of those
// that are.
void dispatch(struct exchange* exchange, const struct route* routes, size_t count);
