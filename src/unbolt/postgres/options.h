// Where the server is, and how we use it.
#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "unbolt/contracts/provider_url.h"

namespace unbolt::postgres {

struct ServerOptions {
  std::string uri;    // for libpq, with the password in it: never in a message
  std::string shown;  // for messages: "the PostgreSQL server HOST:PORT"
  // Of each call, and of making a connection.
  std::chrono::milliseconds timeout{5000};
  // At most; made when they are needed.
  std::size_t connections = 8;
  // Of calls that wait for an answer; beyond either a call is LimitExceeded.
  std::size_t max_waiting = 65'536;
  std::size_t max_waiting_bytes = 256 << 20;

  // InvalidArgument for a wrong value of our own options. `others` are those of the provider, which
  // it reads itself; all that are left are libpq's to judge.
  static Result<ServerOptions> of(const contracts::ProviderUrl& url,
                                  std::chrono::milliseconds otherwise,
                                  std::initializer_list<std::string_view> others);
};

}  // namespace unbolt::postgres
