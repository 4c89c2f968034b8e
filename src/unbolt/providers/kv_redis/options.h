// Where the server is and how long to wait for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "unbolt/contracts/server_address.h"

namespace unbolt::providers {

struct KvRedisOptions {
  contracts::ServerAddress server;
  int database = 0;
  bool tls = false;
  std::string ca_file;  // whose certificates are trusted; empty: the system's
  // In front of every name that is used in the database.
  std::string prefix = "unbolt:kv:";
  // Of each call, and of making a connection.
  std::chrono::milliseconds timeout{5000};
  // That commands are spread over.
  std::size_t connections = 2;
  // Of calls that wait for an answer; beyond either a call is LimitExceeded.
  std::size_t max_waiting = 65'536;
  std::size_t max_waiting_bytes = 256 << 20;

  // For messages.
  std::string shown() const { return "the Redis server " + server.shown(); }
};

}  // namespace unbolt::providers
