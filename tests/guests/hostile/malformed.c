// Imports called as they are at the level of core WebAssembly, with values that break the canonical ABI. The host must
// trap on each; where a behaviour answers instead, the host let something through.
#include "behaviours.h"

#include <stdlib.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT("wasi:http/types@0.2.12", "[static]fields.from-list")
extern void raw_fields_from_list(uint32_t entries, uint32_t count, void *result);
IMPORT("wasi:http/types@0.2.12", "[method]fields.entries")
extern void raw_fields_entries(int32_t self, uint32_t result);
IMPORT("wasi:http/types@0.2.12", "[resource-drop]fields")
extern void raw_fields_drop(int32_t handle);
IMPORT("wasi:http/types@0.2.12", "[method]outgoing-request.set-scheme")
extern int32_t raw_set_scheme(int32_t self, int32_t is_some, int32_t scheme, const char *text,
                              uint32_t length);
IMPORT("wasi:io/streams@0.2.12", "[method]output-stream.write")
extern void raw_write(int32_t self, const void *bytes, uint32_t length, void *result);
IMPORT("wasi:io/streams@0.2.12", "[method]output-stream.check-write")
extern void raw_check_write(int32_t self, void *result);
IMPORT("wasi:io/poll@0.2.12", "poll")
extern void raw_poll(const int32_t *handles, uint32_t count, void *result);

static _Alignas(8) uint8_t result[64];

static void survived(struct exchange *exchange) {
  answer(exchange, 200, "the host let it through\n");
}

// A stream to write to, and the head of a response already sent.
static struct reply open_reply(struct exchange *exchange) {
  return reply_start(exchange, 200, no_headers());
}

void do_big_list(struct exchange *exchange) {
  if (query_is(exchange, "to", "write")) {
    struct reply reply = open_reply(exchange);
    raw_write(reply.stream.__handle, result, UINT32_MAX, result);
    reply_end(&reply, NULL);
    return;
  }
  raw_fields_from_list((uint32_t)(uintptr_t)result & ~7u, UINT32_MAX, result);
  survived(exchange);
}

void do_bad_pointer(struct exchange *exchange) {
  raw_fields_from_list(0xFFFF0000, 1, result);
  survived(exchange);
}

void do_misaligned(struct exchange *exchange) {
  raw_fields_from_list((uint32_t)(uintptr_t)result + 1, 1, result);
  survived(exchange);
}

void do_bad_return_pointer(struct exchange *exchange) {
  raw_fields_entries(no_headers().__handle, 0xFFFFFFF8);
  survived(exchange);
}

void do_bad_utf8(struct exchange *exchange) {
  static const char kName[] = "x-\xC3\x28";  // begins a character and does not end it
  guest_string_t name = lend(kName);
  wasi_http_types_field_value_t value = {.ptr = name.ptr, .len = 2};
  wasi_http_types_header_error_t error;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(no_headers()), &name, &value,
                                       &error);
  survived(exchange);
}

void do_bad_discriminant(struct exchange *exchange) {
  int32_t request = wasi_http_types_constructor_outgoing_request(no_headers()).__handle;
  if (query_is(exchange, "of", "option"))
    raw_set_scheme(request, 7, 0, "", 0);
  else
    raw_set_scheme(request, 1, 9, "", 0);
  survived(exchange);
}

void do_stale_handle(struct exchange *exchange) {
  int32_t fields = no_headers().__handle;
  raw_fields_drop(fields);
  raw_fields_entries(fields, (uint32_t)(uintptr_t)result);
  survived(exchange);
}

void do_double_drop(struct exchange *exchange) {
  int32_t fields = no_headers().__handle;
  raw_fields_drop(fields);
  raw_fields_drop(fields);
  survived(exchange);
}

void do_foreign_handle(struct exchange *exchange) {
  raw_check_write(no_headers().__handle, result);
  survived(exchange);
}

void do_wild_handle(struct exchange *exchange) {
  raw_fields_drop((int32_t)query_number(exchange, "n", 0));
  survived(exchange);
}

void do_empty_poll(struct exchange *exchange) {
  raw_poll((const int32_t *)result, 0, result);
  survived(exchange);
}

void do_past_permit(struct exchange *exchange) {
  struct reply reply = open_reply(exchange);
  raw_check_write(reply.stream.__handle, result);
  uint64_t permitted = *(const uint64_t *)(result + 8);  // behind the case and its padding
  uint64_t length = query_number(exchange, "bytes", permitted + 1);
  void *bytes = length <= UINT32_MAX ? calloc(1, length) : NULL;
  if (bytes != NULL) raw_write(reply.stream.__handle, bytes, (uint32_t)length, result);
  reply_end(&reply, NULL);
}
