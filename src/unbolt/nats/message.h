// What is sent to NATS, and what comes from it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/bytes.h"

struct __natsMsg;

namespace unbolt::nats {

struct Outgoing {
  std::string subject;
  Bytes body;
  std::string reply_to;  // empty: none
  std::vector<std::pair<std::string, std::string>> headers;

  std::size_t size() const;  // in memory
};

// Received; its views hold as long as it lives. Moved, never copied. One thread at a time.
class Incoming {
 public:
  explicit Incoming(__natsMsg* message) : message_(message) {}

  std::string_view subject() const;
  std::string_view reply_to() const;  // empty: none
  ByteView body() const;
  std::optional<std::string_view> header(const char* name) const;
  // The server's own answer: 100 (heartbeat), 404, 408, 409, 503 (nobody listens); 0 where it is a
  // message.
  int status() const;

 private:
  struct Destroy {
    void operator()(__natsMsg* message) const;
  };
  std::unique_ptr<__natsMsg, Destroy> message_;
};

}  // namespace unbolt::nats
