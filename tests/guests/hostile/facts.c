#include "behaviours.h"

static struct text text;

static void add_fact(const char *name, uint64_t number) {
  text_add(&text, name);
  text_add(&text, "=");
  text_add_number(&text, number);
  text_add(&text, "\n");
}

static void add_string(const char *name, bool present, guest_string_t *value) {
  text_add(&text, name);
  if (present) {
    text_add(&text, "=");
    text_add_bytes(&text, value->ptr, value->len);
    guest_string_free(value);
  }
  text_add(&text, "\n");
}

void do_random(struct exchange *exchange) {
  guest_list_u8_t bytes;
  wasi_random_random_get_random_bytes(query_number(exchange, "bytes", 16), &bytes);
  text.length = 0;
  add_fact("length", bytes.len);
  text_add(&text, "bytes=");
  text_add_hex(&text, bytes.ptr, bytes.len < 64 ? bytes.len : 64);
  text_add(&text, "\n");
  add_fact("u64", wasi_random_random_get_random_u64());
  guest_list_u8_free(&bytes);
  answer_text(exchange, 200, &text);
}

void do_clock(struct exchange *exchange) {
  wasi_clocks_wall_clock_datetime_t now, resolution;
  uint64_t before = wasi_clocks_monotonic_clock_now();
  wasi_clocks_wall_clock_now(&now);
  wasi_clocks_wall_clock_resolution(&resolution);
  text.length = 0;
  add_fact("seconds", now.seconds);
  add_fact("nanoseconds", now.nanoseconds);
  add_fact("wall-resolution", resolution.seconds * 1000000000 + resolution.nanoseconds);
  add_fact("monotonic-before", before);
  add_fact("monotonic-after", wasi_clocks_monotonic_clock_now());
  add_fact("monotonic-resolution", wasi_clocks_monotonic_clock_resolution());
  answer_text(exchange, 200, &text);
}

void do_request(struct exchange *exchange) {
  wasi_http_types_borrow_incoming_request_t request =
      wasi_http_types_borrow_incoming_request(exchange->request);
  text.length = 0;
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(request, &method);
  add_fact("method", method.tag);
  if (method.tag == WASI_HTTP_TYPES_METHOD_OTHER) add_string("other", true, &method.val.other);

  guest_string_t string;
  bool present = wasi_http_types_method_incoming_request_path_with_query(request, &string);
  add_string("path", present, &string);
  wasi_http_types_scheme_t scheme;
  if (wasi_http_types_method_incoming_request_scheme(request, &scheme)) {
    add_fact("scheme", scheme.tag);
    wasi_http_types_scheme_free(&scheme);
  }
  present = wasi_http_types_method_incoming_request_authority(request, &string);
  add_string("authority", present, &string);

  wasi_http_types_own_fields_t headers = wasi_http_types_method_incoming_request_headers(request);
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(headers), &entries);
  for (size_t i = 0; i < entries.len; ++i) {
    text_add_bytes(&text, entries.ptr[i].f0.ptr, entries.ptr[i].f0.len);
    text_add(&text, ": ");
    text_add_bytes(&text, entries.ptr[i].f1.ptr, entries.ptr[i].f1.len);
    text_add(&text, "\n");
  }
  wasi_http_types_list_tuple2_field_name_field_value_free(&entries);

  // These headers belong to the host: the guest may not change them.
  guest_string_t name = lend("x-mine");
  wasi_http_types_field_value_t value = {.ptr = name.ptr, .len = name.len};
  wasi_http_types_header_error_t error = {.tag = 255};
  bool appended = wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(headers),
                                                       &name, &value, &error);
  add_fact("append-to-request", appended ? 200 : error.tag);
  wasi_http_types_fields_drop_own(headers);
  answer_text(exchange, 200, &text);
}
