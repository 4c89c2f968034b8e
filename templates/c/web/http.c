#include "http.h"

#include <stdlib.h>
#include <string.h>

#include "app.h"

static const size_t kMost = 1 << 20;

typedef wasi_http_types_borrow_incoming_request_t request_t;

// A copy that ends in a zero byte.
static char *text_of(const uint8_t *bytes, size_t size) {
  char *copy = malloc(size + 1);
  if (!copy) __builtin_trap();
  memcpy(copy, bytes, size);
  copy[size] = 0;
  return copy;
}

static char *method_of(request_t request) {
  static const char *const kNames[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                       "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(request, &method);
  const bool known = method.tag < sizeof kNames / sizeof *kNames;
  char *name = known ? strdup(kNames[method.tag])
                     : text_of(method.val.other.ptr, method.val.other.len);
  wasi_http_types_method_free(&method);
  return name;
}

static char *target_of(request_t request) {
  app_string_t text;
  if (!wasi_http_types_method_incoming_request_path_with_query(request, &text)) return strdup("/");
  char *copy = text_of(text.ptr, text.len);
  app_string_free(&text);
  return copy;
}

static char *body_of(request_t request, size_t *size) {
  char *all = text_of(NULL, *size = 0);
  wasi_http_types_own_incoming_body_t body;
  if (!wasi_http_types_method_incoming_request_consume(request, &body)) return all;
  wasi_io_streams_own_input_stream_t stream;
  wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &stream);
  app_list_u8_t part;
  wasi_io_streams_stream_error_t end;
  while (*size < kMost && wasi_io_streams_method_input_stream_blocking_read(
                              wasi_io_streams_borrow_input_stream(stream), 65536, &part, &end)) {
    all = realloc(all, *size + part.len + 1);
    if (!all) __builtin_trap();
    memcpy(all + *size, part.ptr, part.len);
    all[*size += part.len] = 0;
    app_list_u8_free(&part);
  }
  wasi_io_streams_input_stream_drop_own(stream);
  wasi_http_types_incoming_body_drop_own(body);
  return all;
}

static wasi_http_types_own_fields_t headers_of(const struct response *response) {
  wasi_http_types_own_fields_t fields = wasi_http_types_constructor_fields();
  wasi_http_types_field_name_t name = {(uint8_t *)"content-type", 12};
  wasi_http_types_field_value_t value = {(uint8_t *)response->type, strlen(response->type)};
  wasi_http_types_header_error_t error;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &name, &value,
                                       &error);
  return fields;
}

static void send(const struct response *response,
                 exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  wasi_http_types_own_outgoing_response_t head =
      wasi_http_types_constructor_outgoing_response(headers_of(response));
  wasi_http_types_borrow_outgoing_response_t borrowed =
      wasi_http_types_borrow_outgoing_response(head);
  wasi_http_types_method_outgoing_response_set_status_code(borrowed, response->status);
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(borrowed, &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.val = {.ok = head}};
  wasi_http_types_static_response_outparam_set(out, &result);

  wasi_io_streams_own_output_stream_t stream;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);
  // At most 4096 bytes go in one call.
  for (size_t at = 0, size = strlen(response->body); at < size;) {
    size_t part = size - at < 4096 ? size - at : 4096;
    app_list_u8_t bytes = {(uint8_t *)response->body + at, part};
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(stream), &bytes, &error)) {
      wasi_io_streams_stream_error_free(&error);  // the client left
      break;
    }
    at += part;
  }
  wasi_io_streams_output_stream_drop_own(stream);
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body, NULL, &error))
    wasi_http_types_error_code_free(&error);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t incoming,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  request_t borrowed = wasi_http_types_borrow_incoming_request(incoming);
  struct request request;
  char *method = method_of(borrowed), *target = target_of(borrowed);
  char *query = strchr(target, '?');
  if (query) *query++ = 0;
  char *body = body_of(borrowed, &request.size);
  request.method = method;
  request.path = target;
  request.query = query ? query : "";
  request.body = body;
  struct response response = handle(&request);
  free(method);
  free(target);
  free(body);
  wasi_http_types_incoming_request_drop_own(incoming);
  send(&response, out);
  free(response.body);
}
