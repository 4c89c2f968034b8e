// Answers every request with "hello". The smallest handler there is: what it costs to serve is the host's cost.
#include "hello.h"

static const char kBody[] = "hello\n";

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  // Each handle that is not given away is dropped: the request is not looked at.
  wasi_http_types_incoming_request_drop_own(request);

  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response),
                                                &body);
  wasi_http_types_own_output_stream_t stream;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);

  // From here on the head is on its way, and the body may follow.
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false,
                                                                      .val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(response_out, &result);

  hello_list_u8_t bytes = {.ptr = (uint8_t *)kBody, .len = sizeof kBody - 1};
  wasi_io_streams_stream_error_t stream_error;
  bool written = wasi_io_streams_method_output_stream_blocking_write_and_flush(
      wasi_io_streams_borrow_output_stream(stream), &bytes, &stream_error);
  if (!written) wasi_io_streams_stream_error_free(&stream_error);

  // A stream is a child of its body: it goes first.
  wasi_io_streams_output_stream_drop_own(stream);
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body, NULL, &error))
    wasi_http_types_error_code_free(&error);
}
