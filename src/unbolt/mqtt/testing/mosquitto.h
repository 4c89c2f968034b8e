// For tests: an MQTT broker of their own on loopback.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "unbolt/base/testing/server_process.h"
#include "unbolt/base/testing/temporary_folder.h"

namespace unbolt::mqtt {

// Started by the constructor, which throws where it cannot be; killed, and its data removed, by the
// destructor. It keeps as many messages as come, and writes them down when it is asked to `end`.
class Mosquitto {
 public:
  // `more` goes into its configuration file, `$FOLDER` being its folder; without a line about it,
  // everybody is let in.
  explicit Mosquitto(std::string more = "allow_anonymous true") : more_(std::move(more)) {
    for (std::size_t at; (at = more_.find("$FOLDER")) != std::string::npos;)
      more_.replace(at, 7, folder_.path());
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
  const std::string& folder() const { return folder_.path(); }
  std::string url(std::string_view rest = "", std::string_view who = "") const {
    return "mqtt://" + std::string(who) + "127.0.0.1:" + std::to_string(port_) + std::string(rest);
  }
  // kill -9: what it knew is gone.
  void kill() { process_.kill(); }
  // It writes down what it knows.
  void end() {
    process_.signal(SIGTERM);
    process_.wait();
  }
  // On the same port, with the same data.
  void start() {
    const std::string config = folder_.path() + "/config";
    std::ofstream(config) << "user root\nlistener " << port_
                          << " 127.0.0.1\npersistence true\npersistence_location " << folder_.path()
                          << "/\nmax_queued_messages 0\nset_tcp_nodelay true\n"
                          << more_ << "\n";
    const std::string log = folder_.path() + "/log";
    std::filesystem::remove(log);
    // Debian has it where only the system's own user looks.
    const std::string program =
        ::access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "mosquitto";
    process_.start({program, "-c", config}, log);
    wait_until_ready(process_, log, "Debian's package mosquitto", [&] { return accepts(port_); });
  }
  // It keeps its connections and answers nobody, until `resume`.
  void suspend() { process_.signal(SIGSTOP); }
  void resume() { process_.signal(SIGCONT); }

 private:
  TemporaryFolder folder_;
  std::string more_;
  std::uint16_t port_ = 0;
  ServerProcess process_;
};

}  // namespace unbolt::mqtt
