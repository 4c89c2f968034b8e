#include "exchange.h"

#include <stdlib.h>
#include <string.h>

void text_add_bytes(struct text *text, const void *bytes, size_t length) {
  size_t room = sizeof text->bytes - 1 - text->length;
  if (length > room) length = room;
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
  text->bytes[text->length] = 0;
}

void text_add(struct text *text, const char *more) { text_add_bytes(text, more, strlen(more)); }

void text_add_number(struct text *text, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  text_add_bytes(text, digits + at, sizeof digits - at);
}

void text_add_hex(struct text *text, const uint8_t *bytes, size_t length) {
  static const char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < length; ++i) {
    char pair[2] = {kDigits[bytes[i] >> 4], kDigits[bytes[i] & 15]};
    text_add_bytes(text, pair, sizeof pair);
  }
}

guest_string_t lend(const char *text) {
  return (guest_string_t){.ptr = (uint8_t *)text, .len = strlen(text)};
}

guest_list_u8_t lend_bytes(const void *bytes, size_t length) {
  return (guest_list_u8_t){.ptr = (uint8_t *)bytes, .len = length};
}

static void copy_cut(char *to, size_t size, const void *from, size_t length) {
  if (length > size - 1) length = size - 1;
  memcpy(to, from, length);
  to[length] = 0;
}

void exchange_read(struct exchange *exchange) {
  guest_string_t whole;
  exchange->path[0] = exchange->query[0] = 0;
  if (!wasi_http_types_method_incoming_request_path_with_query(
          wasi_http_types_borrow_incoming_request(exchange->request), &whole))
    return;
  const uint8_t *mark = memchr(whole.ptr, '?', whole.len);
  size_t path_length = mark ? (size_t)(mark - whole.ptr) : whole.len;
  copy_cut(exchange->path, sizeof exchange->path, whole.ptr, path_length);
  if (mark)
    copy_cut(exchange->query, sizeof exchange->query, mark + 1, whole.len - path_length - 1);
  guest_string_free(&whole);
}

bool query_text(const struct exchange *exchange, const char *key, char *value, size_t size) {
  size_t key_length = strlen(key);
  for (const char *at = exchange->query; *at; at += strspn(at, "&")) {
    size_t length = strcspn(at, "&");
    if (length > key_length && at[key_length] == '=' && memcmp(at, key, key_length) == 0) {
      copy_cut(value, size, at + key_length + 1, length - key_length - 1);
      return true;
    }
    at += length;
  }
  return false;
}

uint64_t query_number(const struct exchange *exchange, const char *key, uint64_t otherwise) {
  char digits[24];
  if (!query_text(exchange, key, digits, sizeof digits)) return otherwise;
  uint64_t number = 0;
  for (const char *at = digits; *at >= '0' && *at <= '9'; ++at)
    number = number * 10 + (uint64_t)(*at - '0');
  return number;
}

bool query_is(const struct exchange *exchange, const char *key, const char *value) {
  char found[64];
  return query_text(exchange, key, found, sizeof found) && strcmp(found, value) == 0;
}

wasi_http_types_own_fields_t no_headers(void) { return wasi_http_types_constructor_fields(); }

struct reply reply_start(struct exchange *exchange, uint16_t status,
                         wasi_http_types_own_fields_t headers) {
  struct reply reply;
  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(headers);
  wasi_http_types_borrow_outgoing_response_t borrowed =
      wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_method_outgoing_response_set_status_code(borrowed, status);
  wasi_http_types_method_outgoing_response_body(borrowed, &reply.body);
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(reply.body),
                                             &reply.stream);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(exchange->out, &result);
  return reply;
}

bool reply_write(struct reply *reply, const void *bytes, size_t length) {
  enum { kMost = 4096 };  // of one blocking write, by the contract
  const uint8_t *at = bytes;
  while (length > 0) {
    guest_list_u8_t part = lend_bytes(at, length < kMost ? length : kMost);
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(reply->stream), &part, &error)) {
      wasi_io_streams_stream_error_free(&error);
      return false;
    }
    at += part.len;
    length -= part.len;
  }
  return true;
}

bool reply_end(struct reply *reply, wasi_http_types_own_fields_t *trailers) {
  wasi_io_streams_output_stream_drop_own(reply->stream);
  wasi_http_types_error_code_t error;
  bool done = wasi_http_types_static_outgoing_body_finish(reply->body, trailers, &error);
  if (!done) wasi_http_types_error_code_free(&error);
  return done;
}

void answer(struct exchange *exchange, uint16_t status, const char *text) {
  struct reply reply = reply_start(exchange, status, no_headers());
  reply_write(&reply, text, strlen(text));
  reply_end(&reply, NULL);
}

void answer_text(struct exchange *exchange, uint16_t status, const struct text *text) {
  struct reply reply = reply_start(exchange, status, no_headers());
  reply_write(&reply, text->bytes, text->length);
  reply_end(&reply, NULL);
}

void dispatch(struct exchange *exchange, const struct route *routes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (strcmp(exchange->path, routes[i].path) == 0) {
      routes[i].run(exchange);
      return;
    }
  }
  static struct text list;
  list.length = 0;
  text_add(&list, "paths:");
  for (size_t i = 0; i < count; ++i) {
    text_add(&list, " ");
    text_add(&list, routes[i].path);
  }
  text_add(&list, "\n");
  answer_text(exchange, 404, &list);
}
