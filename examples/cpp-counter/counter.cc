// Counts visits. GET counts a visit to the path and answers how many there were; DELETE starts over.
// The answer is JSON for a client that accepts it, else a line of text.
#include <charconv>
#include <iterator>
#include <string>
#include <string_view>

#include "counter.h"

namespace {

constexpr std::string_view kBucket = "default";

// Owns a handle of the host, and drops it unless it was given away.
template <typename Handle, void (*drop)(Handle)>
class Owned {
 public:
  explicit Owned(Handle handle) : handle_(handle) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (held_) drop(handle_);
  }

  Handle get() const { return handle_; }
  Handle release() {
    held_ = false;
    return handle_;
  }

 private:
  Handle handle_;
  bool held_ = true;
};

using Request =
    Owned<wasi_http_types_own_incoming_request_t, wasi_http_types_incoming_request_drop_own>;
using Headers = Owned<wasi_http_types_own_fields_t, wasi_http_types_fields_drop_own>;
using Stream =
    Owned<wasi_io_streams_own_output_stream_t, wasi_io_streams_output_stream_drop_own>;
using Bucket = Owned<wasi_keyvalue_store_own_bucket_t, wasi_keyvalue_store_bucket_drop_own>;

struct Answer {
  uint16_t status = 200;
  std::string body;
};

// A view for the host to read; nothing is copied, nothing is written through it.
counter_string_t lend(std::string_view text) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())), text.size()};
}

// Takes over a string that the host placed in this component's memory.
std::string take(counter_string_t text) {
  std::string copy(reinterpret_cast<char*>(text.ptr), text.len);
  counter_string_free(&text);
  return copy;
}

std::string path_of(const Request& request) {
  counter_string_t text;
  auto borrowed = wasi_http_types_borrow_incoming_request(request.get());
  if (!wasi_http_types_method_incoming_request_path_with_query(borrowed, &text)) return "/";
  std::string path = take(text);
  return path.substr(0, path.find('?'));
}

bool is_delete(const Request& request) {
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(
      wasi_http_types_borrow_incoming_request(request.get()), &method);
  bool found = method.tag == WASI_HTTP_TYPES_METHOD_DELETE;
  wasi_http_types_method_free(&method);
  return found;
}

bool accepts_json(const Request& request) {
  Headers headers(wasi_http_types_method_incoming_request_headers(
      wasi_http_types_borrow_incoming_request(request.get())));
  counter_string_t name = lend("accept");
  wasi_http_types_list_field_value_t values;
  wasi_http_types_method_fields_get(wasi_http_types_borrow_fields(headers.get()), &name, &values);
  bool found = false;
  for (size_t i = 0; i < values.len; ++i) {
    std::string_view value(reinterpret_cast<char*>(values.ptr[i].ptr), values.ptr[i].len);
    found |= value.contains("application/json");
  }
  wasi_http_types_list_field_value_free(&values);
  return found;
}

std::string json_string(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20) {
      ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string decimal(uint64_t number) {
  char digits[20];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

std::string describe(wasi_keyvalue_store_error_t& error) {
  switch (error.tag) {
    case WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE:
      return "no such store";
    case WASI_KEYVALUE_STORE_ERROR_ACCESS_DENIED:
      return "access denied";
    default:
      return take(error.val.other);
  }
}

Answer unavailable(wasi_keyvalue_store_error_t& error) {
  return {503, "the store failed: " + describe(error) + "\n"};
}

Answer visit(const Request& request) {
  wasi_keyvalue_store_error_t error;
  wasi_keyvalue_store_own_bucket_t opened;
  counter_string_t bucket_name = lend(kBucket);
  if (!wasi_keyvalue_store_open(&bucket_name, &opened, &error)) return unavailable(error);
  Bucket bucket(opened);
  auto borrowed = wasi_keyvalue_store_borrow_bucket(bucket.get());

  std::string path = path_of(request);
  std::string key = "visits" + path;
  counter_string_t lent_key = lend(key);
  uint64_t visits = 0;
  if (is_delete(request)) {
    if (!wasi_keyvalue_store_method_bucket_delete(borrowed, &lent_key, &error))
      return unavailable(error);
  } else if (!wasi_keyvalue_atomics_increment(borrowed, &lent_key, 1, &visits, &error)) {
    return unavailable(error);
  }

  if (accepts_json(request))
    return {200, "{\"path\":" + json_string(path) + ",\"visits\":" + decimal(visits) + "}\n"};
  return {200, path + " was visited " + decimal(visits) + (visits == 1 ? " time\n" : " times\n")};
}

wasi_http_types_own_fields_t headers_for(const Answer& answer) {
  bool json = answer.body.starts_with('{');
  std::string_view type = json ? "application/json" : "text/plain; charset=utf-8";
  std::string length = decimal(answer.body.size());
  auto value = [](std::string_view text) {
    counter_string_t lent = lend(text);
    return wasi_http_types_field_value_t{lent.ptr, lent.len};
  };
  wasi_http_types_tuple2_field_name_field_value_t entries[] = {
      {lend("content-type"), value(type)},
      {lend("content-length"), value(length)},
  };
  wasi_http_types_list_tuple2_field_name_field_value_t list = {entries, std::size(entries)};
  wasi_http_types_own_fields_t fields;
  wasi_http_types_header_error_t error;
  // These names and values are always allowed.
  if (!wasi_http_types_static_fields_from_list(&list, &fields, &error)) __builtin_trap();
  return fields;
}

// The host takes at most 4096 bytes in one blocking write.
void write_all(const Stream& stream, std::string_view text) {
  constexpr size_t kMost = 4096;
  while (!text.empty()) {
    counter_string_t lent = lend(text.substr(0, kMost));
    counter_list_u8_t bytes = {lent.ptr, lent.len};
    wasi_io_streams_stream_error_t error;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(stream.get()), &bytes, &error)) {
      wasi_io_streams_stream_error_free(&error);  // the client left
      return;
    }
    text.remove_prefix(bytes.len);
  }
}

void respond(wasi_http_types_own_response_outparam_t out, const Answer& answer) {
  auto response = wasi_http_types_constructor_outgoing_response(headers_for(answer));
  auto borrowed = wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_method_outgoing_response_set_status_code(borrowed, answer.status);
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(borrowed, &body);

  wasi_http_types_result_own_outgoing_response_error_code_t result = {};
  result.val.ok = response;
  wasi_http_types_static_response_outparam_set(out, &result);
  {
    wasi_http_types_own_output_stream_t opened;
    wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body),
                                               &opened);
    write_all(Stream(opened), answer.body);
  }
  wasi_http_types_error_code_t error;
  if (!wasi_http_types_static_outgoing_body_finish(body, nullptr, &error))
    wasi_http_types_error_code_free(&error);
}

}  // namespace

extern "C" void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  Request held(request);
  respond(response_out, visit(held));
}
