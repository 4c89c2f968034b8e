#include "http.h"

#include <algorithm>
#include <iterator>

namespace {

constexpr std::size_t kMost = 1 << 20;

using RequestHandle = wasi_http_types_borrow_incoming_request_t;

std::string method_of(RequestHandle request) {
  constexpr const char* kNames[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                    "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(request, &method);
  std::string name = method.tag < std::size(kNames)
                         ? std::string(kNames[method.tag])
                         : std::string(reinterpret_cast<char*>(method.val.other.ptr),
                                       method.val.other.len);
  wasi_http_types_method_free(&method);
  return name;
}

std::string target_of(RequestHandle request) {
  app_string_t text;
  if (!wasi_http_types_method_incoming_request_path_with_query(request, &text)) return "/";
  return take(text);
}

std::string body_of(RequestHandle request) {
  std::string all;
  wasi_http_types_own_incoming_body_t body;
  if (!wasi_http_types_method_incoming_request_consume(request, &body)) return all;
  wasi_io_streams_own_input_stream_t stream;
  wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &stream);
  app_list_u8_t part;
  wasi_io_streams_stream_error_t end;
  while (all.size() < kMost && wasi_io_streams_method_input_stream_blocking_read(
                                   wasi_io_streams_borrow_input_stream(stream), 65536, &part, &end)) {
    all.append(reinterpret_cast<char*>(part.ptr), part.len);
    app_list_u8_free(&part);
  }
  wasi_io_streams_input_stream_drop_own(stream);
  wasi_http_types_incoming_body_drop_own(body);
  return all;
}

void send(const Response& response, exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  auto fields = wasi_http_types_constructor_fields();
  app_string_t name = lend("content-type"), type = lend(response.type);
  wasi_http_types_field_value_t value = {type.ptr, type.len};
  wasi_http_types_header_error_t refused;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &name, &value,
                                       &refused);
  auto head = wasi_http_types_constructor_outgoing_response(fields);
  auto borrowed = wasi_http_types_borrow_outgoing_response(head);
  wasi_http_types_method_outgoing_response_set_status_code(borrowed, response.status);
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(borrowed, &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {};
  result.val.ok = head;
  wasi_http_types_static_response_outparam_set(out, &result);

  wasi_io_streams_own_output_stream_t stream;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);
  // At most 4096 bytes go in one call.
  for (std::size_t at = 0; at < response.body.size(); at += 4096) {
    app_string_t part = lend(std::string_view(response.body).substr(at, 4096));
    app_list_u8_t bytes = {part.ptr, part.len};
    wasi_io_streams_stream_error_t error;
    if (wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(stream), &bytes, &error))
      continue;
    wasi_io_streams_stream_error_free(&error);  // the client left
    break;
  }
  wasi_io_streams_output_stream_drop_own(stream);
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body, nullptr, &error))
    wasi_http_types_error_code_free(&error);
}

}  // namespace

extern "C" void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t incoming,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  auto borrowed = wasi_http_types_borrow_incoming_request(incoming);
  const std::string target = target_of(borrowed);
  const std::size_t question = std::min(target.find('?'), target.size());
  const Request request{method_of(borrowed), target.substr(0, question),
                        target.substr(std::min(question + 1, target.size())), body_of(borrowed)};
  wasi_http_types_incoming_request_drop_own(incoming);
  send(handle(request), out);
}
