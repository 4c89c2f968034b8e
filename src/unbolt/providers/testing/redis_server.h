// For tests: a Redis server of their own on loopback.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "unbolt/base/testing/server_process.h"
#include "unbolt/base/testing/temporary_folder.h"

namespace unbolt::providers {

// Started by the constructor, which throws where it cannot be; killed and its data removed by the
// destructor. Writes are on the disk when they are answered (append-only file), so that they are
// there after `restart`.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> extra = {}) : extra_(std::move(extra)) {
    for (int attempt = 0;; ++attempt) {
      port_ = free_port();
      try {
        start();
        return;
      } catch (const std::runtime_error&) {
        if (attempt == 2) throw;  // another program took the port, if not
      }
    }
  }

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view rest = "") const {
    return "redis://127.0.0.1:" + std::to_string(port_) + std::string(rest);
  }
  // kill -9.
  void kill() { process_.kill(); }
  // On the same port, with the same data.
  void start() {
    std::vector<std::string> arguments = {"redis-server",
                                          "--port",
                                          std::to_string(port_),
                                          "--bind",
                                          "127.0.0.1",
                                          "--dir",
                                          folder_.path(),
                                          "--appendonly",
                                          "yes",
                                          "--appendfsync",
                                          "always",
                                          "--save",
                                          "",
                                          "--databases",
                                          "4"};
    arguments.insert(arguments.end(), extra_.begin(), extra_.end());
    std::string log = folder_.path() + "/log";
    std::filesystem::remove(log);
    process_.start(std::move(arguments), log);
    wait_until_ready(process_, log, "apt-get install redis-server", [&] {
      return text_of(log).find("Ready to accept connections") != std::string::npos;
    });
  }
  // It keeps its connections and answers nobody, until `resume`.
  void suspend() { process_.signal(SIGSTOP); }
  void resume() { process_.signal(SIGCONT); }

 private:
  TemporaryFolder folder_;
  std::vector<std::string> extra_;
  std::uint16_t port_ = 0;
  ServerProcess process_;
};

}  // namespace unbolt::providers
