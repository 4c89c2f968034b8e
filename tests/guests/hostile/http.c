#include "behaviours.h"

#include <stdlib.h>
#include <string.h>

static struct text text;

static void sleep_ms(uint64_t ms) {
  wasi_clocks_monotonic_clock_own_pollable_t later =
      wasi_clocks_monotonic_clock_subscribe_duration(ms * 1000000);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(later));
  wasi_io_poll_pollable_drop_own(later);
}

static void answer_fact(struct exchange *exchange, const char *before, uint64_t number,
                        const char *after) {
  text.length = 0;
  text_add(&text, before);
  text_add_number(&text, number);
  text_add(&text, after);
  answer_text(exchange, 200, &text);
}

static bool append(wasi_http_types_own_fields_t fields, const char *name, const void *value,
                   size_t length, wasi_http_types_header_error_t *error) {
  guest_string_t lent = lend(name);
  wasi_http_types_field_value_t bytes = {.ptr = (uint8_t *)value, .len = length};
  return wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &lent, &bytes,
                                              error);
}

void do_hello(struct exchange *exchange) { answer(exchange, 200, "hello\n"); }

void do_silent(struct exchange *exchange) { (void)exchange; }

void do_silent_drop(struct exchange *exchange) {
  wasi_http_types_response_outparam_drop_own(exchange->out);
}

void do_error_code(struct exchange *exchange) {
  wasi_http_types_result_own_outgoing_response_error_code_t result = {
      .is_err = true, .val = {.err = {.tag = WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR}}};
  result.val.err.val.internal_error.is_some = true;
  result.val.err.val.internal_error.val = lend("the guest says so");
  wasi_http_types_static_response_outparam_set(exchange->out, &result);
}

void do_hang(struct exchange *exchange) {
  sleep_ms(60 * 60 * 1000);
  answer(exchange, 200, "an hour later\n");
}

void do_slow(struct exchange *exchange) {
  uint64_t ms = query_number(exchange, "ms", 100);
  sleep_ms(ms);
  answer_fact(exchange, "after ", ms, " ms\n");
}

void do_leak(struct exchange *exchange) {
  uint64_t count = query_number(exchange, "n", 1000);
  for (uint64_t i = 0; i < count; ++i) no_headers();
  answer_fact(exchange, "leaked ", count, "\n");
}

void do_many_headers(struct exchange *exchange) {
  uint64_t count = query_number(exchange, "n", 1000);
  uint64_t length = query_number(exchange, "bytes", 8);
  char *value = malloc(length + 1);
  if (value == NULL) __builtin_trap();
  memset(value, 'v', length);
  wasi_http_types_own_fields_t fields = no_headers();
  wasi_http_types_header_error_t error;
  uint64_t taken = 0;
  while (taken < count && append(fields, "x-many", value, length, &error)) ++taken;
  text.length = 0;
  text_add(&text, "the host took ");
  text_add_number(&text, taken);
  text_add(&text, "\n");
  struct reply reply = reply_start(exchange, 200, fields);
  reply_write(&reply, text.bytes, text.length);
  reply_end(&reply, NULL);
}

void do_header(struct exchange *exchange) {
  static const struct {
    const char *name, *value;
  } kTried[] = {
      {"x-plain", "value"},         {"X-Upper", "value"},       {"x-empty", ""},
      {"", "empty-name"},           {"x space", "value"},       {"x-colon:", "value"},
      {"x-injected", "a\r\nb: c"},  {"x-newline", "a\nb"},      {"x-latin", "\xE9"},
      {"x-control", "a\x01z"},      {"connection", "close"},    {"transfer-encoding", "chunked"},
      {"host", "elsewhere.test"},   {"upgrade", "websocket"},   {"keep-alive", "timeout=5"},
      {"proxy-connection", "close"}, {"content-length", "five"},
  };
  static const char *const kErrors[] = {"invalid-syntax", "forbidden", "immutable"};
  text.length = 0;
  for (size_t i = 0; i < sizeof kTried / sizeof *kTried; ++i) {
    wasi_http_types_own_fields_t fields = no_headers();
    wasi_http_types_header_error_t error;
    bool taken =
        append(fields, kTried[i].name, kTried[i].value, strlen(kTried[i].value), &error);
    text_add(&text, kTried[i].name);
    text_add(&text, "=");
    text_add(&text, taken ? "taken" : error.tag < 3 ? kErrors[error.tag] : "?");
    text_add(&text, "\n");
    wasi_http_types_fields_drop_own(fields);
  }
  answer_text(exchange, 200, &text);
}

void do_status(struct exchange *exchange) {
  uint16_t code = (uint16_t)query_number(exchange, "code", 200);
  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(no_headers());
  bool taken = wasi_http_types_method_outgoing_response_set_status_code(
      wasi_http_types_borrow_outgoing_response(response), code);
  wasi_http_types_outgoing_response_drop_own(response);
  struct reply reply = reply_start(exchange, taken ? code : 500, no_headers());
  const char *said = taken ? "taken\n" : "refused\n";
  reply_write(&reply, said, strlen(said));
  reply_end(&reply, NULL);
}

void do_double_set(struct exchange *exchange) {
  answer(exchange, 200, "first\n");
  answer(exchange, 201, "second\n");
}

void do_body_twice(struct exchange *exchange) {
  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(no_headers());
  wasi_http_types_own_outgoing_body_t body, second_body;
  wasi_io_streams_own_output_stream_t stream, second_stream;
  wasi_http_types_own_incoming_body_t incoming, second_incoming;
  text.length = 0;
  wasi_http_types_borrow_outgoing_response_t borrowed =
      wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_method_outgoing_response_body(borrowed, &body);
  text_add(&text, wasi_http_types_method_outgoing_response_body(borrowed, &second_body)
                      ? "body=taken\n"
                      : "body=refused\n");
  wasi_http_types_borrow_outgoing_body_t borrowed_body = wasi_http_types_borrow_outgoing_body(body);
  wasi_http_types_method_outgoing_body_write(borrowed_body, &stream);
  text_add(&text, wasi_http_types_method_outgoing_body_write(borrowed_body, &second_stream)
                      ? "stream=taken\n"
                      : "stream=refused\n");
  wasi_http_types_borrow_incoming_request_t request =
      wasi_http_types_borrow_incoming_request(exchange->request);
  wasi_http_types_method_incoming_request_consume(request, &incoming);
  text_add(&text, wasi_http_types_method_incoming_request_consume(request, &second_incoming)
                      ? "consume=taken\n"
                      : "consume=refused\n");
  answer_text(exchange, 200, &text);
}

void do_body_after_finish(struct exchange *exchange) {
  struct reply reply = reply_start(exchange, 200, no_headers());
  reply_write(&reply, "whole\n", 6);
  wasi_http_types_own_outgoing_body_t body = reply.body;
  reply_end(&reply, NULL);
  wasi_io_streams_own_output_stream_t stream;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);
}

void do_parent_first(struct exchange *exchange) {
  struct reply reply = reply_start(exchange, 200, no_headers());
  wasi_http_types_outgoing_body_drop_own(reply.body);
  wasi_io_streams_output_stream_drop_own(reply.stream);
}

void do_finish_early(struct exchange *exchange) {
  struct reply reply = reply_start(exchange, 200, no_headers());
  wasi_http_types_error_code_t error;
  wasi_http_types_static_outgoing_body_finish(reply.body, NULL, &error);
}

void do_unfinished(struct exchange *exchange) {
  struct reply reply = reply_start(exchange, 200, no_headers());
  reply_write(&reply, "half", 4);
  wasi_io_streams_output_stream_drop_own(reply.stream);
  wasi_http_types_outgoing_body_drop_own(reply.body);
}

void do_length(struct exchange *exchange) {
  char said[24] = "10";
  query_text(exchange, "say", said, sizeof said);
  wasi_http_types_own_fields_t fields = no_headers();
  wasi_http_types_header_error_t error;
  append(fields, "content-length", said, strlen(said), &error);
  struct reply reply = reply_start(exchange, 200, fields);
  for (uint64_t left = query_number(exchange, "send", 10); left > 0; --left)
    if (!reply_write(&reply, "x", 1)) break;
  reply_end(&reply, NULL);
}

// Waits until the stream takes something; how much, or 0 once it is closed.
static uint64_t permit(wasi_io_streams_borrow_output_stream_t stream) {
  for (;;) {
    uint64_t permitted;
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_check_write(stream, &permitted, &error)) {
      wasi_io_streams_stream_error_free(&error);
      return 0;
    }
    if (permitted > 0) return permitted;
    wasi_io_streams_own_pollable_t ready =
        wasi_io_streams_method_output_stream_subscribe(stream);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_io_poll_pollable_drop_own(ready);
  }
}

void do_stream(struct exchange *exchange) {
  static uint8_t bytes[65536];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)('a' + i % 26);
  uint64_t left = query_number(exchange, "bytes", 1 << 20);
  wasi_http_types_own_fields_t fields = no_headers();
  if (query_number(exchange, "length", 0)) {
    static struct text length;
    wasi_http_types_header_error_t error;
    length.length = 0;
    text_add_number(&length, left);
    append(fields, "content-length", length.bytes, length.length, &error);
  }
  struct reply reply = reply_start(exchange, 200, fields);
  wasi_io_streams_borrow_output_stream_t stream =
      wasi_io_streams_borrow_output_stream(reply.stream);
  wasi_io_streams_stream_error_t error;
  bool open = true;
  while (open && left > 0) {
    uint64_t most = permit(stream);
    if (most > sizeof bytes) most = sizeof bytes;
    if (most > left) most = left;
    guest_list_u8_t part = lend_bytes(bytes, most);
    open = most > 0 && wasi_io_streams_method_output_stream_write(stream, &part, &error);
    left -= most;
  }
  if (open) wasi_io_streams_method_output_stream_blocking_flush(stream, &error);
  reply_end(&reply, NULL);
}

void do_sink(struct exchange *exchange) {
  wasi_http_types_own_incoming_body_t body;
  wasi_io_streams_own_input_stream_t stream;
  wasi_http_types_method_incoming_request_consume(
      wasi_http_types_borrow_incoming_request(exchange->request), &body);
  wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &stream);
  uint64_t total = 0, pause = query_number(exchange, "pause-ms", 0);
  wasi_io_streams_stream_error_t error;
  guest_list_u8_t part;
  while (wasi_io_streams_method_input_stream_blocking_read(
      wasi_io_streams_borrow_input_stream(stream), 65536, &part, &error)) {
    total += part.len;
    guest_list_u8_free(&part);
    if (pause > 0) sleep_ms(pause);
  }
  bool whole = error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
  wasi_io_streams_stream_error_free(&error);
  wasi_io_streams_input_stream_drop_own(stream);
  wasi_http_types_incoming_body_drop_own(body);
  answer_fact(exchange, "", total, whole ? " bytes\n" : " bytes, then an error\n");
}

void do_sleep_in_middle(struct exchange *exchange) {
  struct reply reply = reply_start(exchange, 200, no_headers());
  reply_write(&reply, "first half, ", 12);
  sleep_ms(query_number(exchange, "ms", 100));
  reply_write(&reply, "second half\n", 12);
  reply_end(&reply, NULL);
}

void do_abort_mid_body(struct exchange *exchange) {
  struct reply reply = reply_start(exchange, 200, no_headers());
  reply_write(&reply, "first half, ", 12);
  __builtin_trap();
}

void do_trailers(struct exchange *exchange) {
  wasi_http_types_own_fields_t headers = no_headers(), trailers = no_headers();
  wasi_http_types_header_error_t error;
  append(headers, "trailer", "x-checksum", 10, &error);
  append(trailers, "x-checksum", "c0ffee", 6, &error);
  struct reply reply = reply_start(exchange, 200, headers);
  reply_write(&reply, "with trailers\n", 14);
  reply_end(&reply, &trailers);
}
