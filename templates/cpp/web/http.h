// A request and its answer, as main.cc sees them; http.cc is between them and wasi:http.
#pragma once

#include <string>
#include <string_view>

#include "app.h"

struct Request {
  std::string method;  // "GET"
  std::string path;    // "/", without the query
  std::string query;   // what stands behind '?'
  std::string body;    // of at most 1 MiB
};

struct Response {
  int status = 200;
  std::string body;
  std::string type = "text/plain";
};

// Yours, in main.cc.
Response handle(const Request& request);

// Text for the host to read, and text of the host's, taken over.
inline app_string_t lend(std::string_view text) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())), text.size()};
}
inline std::string take(app_string_t text) {
  std::string copy(reinterpret_cast<char*>(text.ptr), text.len);
  app_string_free(&text);
  return copy;
}
