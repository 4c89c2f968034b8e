// For tests: a NATS server of their own on loopback.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "unbolt/base/testing/server_process.h"
#include "unbolt/base/testing/temporary_folder.h"

namespace unbolt::nats {

// Started by the constructor, which throws where it cannot be; killed, and its data removed, by the
// destructor. With JetStream; what it acknowledges is on the disk, so that it is there after
// `kill` and `start`.
class NatsServer {
 public:
  // `more` goes into its configuration file.
  explicit NatsServer(std::string more = "") : more_(std::move(more)) {
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
  std::string url(std::string_view rest = "", std::string_view who = "") const {
    return "nats://" + std::string(who) + "127.0.0.1:" + std::to_string(port_) + std::string(rest);
  }
  // kill -9.
  void kill() { process_.kill(); }
  // On the same port, with the same data.
  void start() {
    const std::string config = folder_.path() + "/config";
    std::ofstream(config) << "host: 127.0.0.1\nport: " << port_
                          << "\nmax_payload: 67108864\njetstream {\n  store_dir: \""
                          << folder_.path() << "\"\n}\n"
                          << more_ << "\n";
    const std::string log = folder_.path() + "/log";
    std::filesystem::remove(log);
    process_.start({program(), "-c", config}, log);
    wait_until_ready(process_, log, "scripts/nats_server.sh builds nats-server",
                     [&] { return text_of(log).find("Server is ready") != std::string::npos; });
  }
  // It keeps its connections and answers nobody, until `resume`.
  void suspend() { process_.signal(SIGSTOP); }
  void resume() { process_.signal(SIGCONT); }

 private:
  static std::string program() {
    if (const char* given = std::getenv("UNBOLT_NATS_SERVER"); given && *given) return given;
    std::string path;
    if (FILE* out = ::popen("'" UNBOLT_SCRIPTS "/nats_server.sh'", "r")) {
      char buffer[4096];
      if (std::fgets(buffer, sizeof buffer, out)) path = buffer;
      ::pclose(out);
    }
    while (path.ends_with('\n')) path.pop_back();
    return path.empty() ? "nats-server" : path;
  }

  TemporaryFolder folder_;
  std::string more_;
  std::uint16_t port_ = 0;
  ServerProcess process_;
};

}  // namespace unbolt::nats
