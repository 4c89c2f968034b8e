// For tests: a PostgreSQL server of their own on loopback.
#pragma once

#include <pwd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/testing/server_process.h"
#include "unbolt/base/testing/temporary_folder.h"

namespace unbolt::providers {

// Started by the constructor, which throws where it cannot be; killed and its data removed by the
// destructor. Its user is `unbolt` with the password `sesame`, its database `postgres`. It refuses
// to run as root, and becomes `nobody` then.
class PostgresServer {
 public:
  explicit PostgresServer(std::vector<std::string> extra = {}) : extra_(std::move(extra)) {
    if (::getuid() == 0) {
      if (const passwd* nobody = ::getpwnam("nobody")) uid_ = nobody->pw_uid;
      if (::chown(folder_.path().c_str(), uid_, uid_) != 0)
        throw std::runtime_error("the test's folder cannot be given away");
    }
    initialize();
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
  ~PostgresServer() { kill(); }

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view rest = "") const {
    return "postgres://unbolt:sesame@127.0.0.1:" + std::to_string(port_) + "/postgres" +
           std::string(rest);
  }
  const std::string& folder() const { return folder_.path(); }

  // kill -9, of its processes too.
  void kill() {
    std::vector<pid_t> children = process_ids();
    process_.kill();
    for (pid_t child : children) ::kill(child, SIGKILL);
  }
  // On the same port, with the same data.
  void start() {
    const std::string log = folder_.path() + "/log";
    std::vector<std::string> arguments = {
        program("postgres"), "-D", data(), "-p", std::to_string(port_), "-c",
        "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
        // A kill ends the server, not the machine: what it has written is there.
        "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60", "-c",
        "autovacuum=off", "-c", "logging_collector=off", "-c", "log_min_messages=warning"};
    for (const std::string& one : extra_) arguments.insert(arguments.end(), {"-c", one});
    // The processes of the one before may take a moment to end.
    for (int attempt = 0;; ++attempt) {
      std::filesystem::remove(log);
      process_.start(arguments, log, uid_);
      try {
        wait_until_ready(process_, log, kInstall, [this] { return accepts(port_) && answers(); });
        return;
      } catch (const std::runtime_error&) {
        process_.kill();
        if (attempt == 20 || process_.exit_status() == 127) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    }
  }
  // It keeps its connections and answers nobody, until `resume`.
  void suspend() {
    process_.signal(SIGSTOP);
    // It may be making one more process until it has stopped.
    while (running(state_of(process_.id())))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (pid_t child : process_ids()) ::kill(child, SIGSTOP);
    for (pid_t child : process_ids()) {
      while (running(state_of(child))) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void resume() {
    for (pid_t child : process_ids()) ::kill(child, SIGCONT);
    process_.signal(SIGCONT);
  }
  // Runs SQL with psql; its exit status.
  int sql(const std::string& text) const {
    const std::string command = program("psql") + " -q -v ON_ERROR_STOP=1 '" + url() + "' -c \"" +
                                text + "\" >/dev/null 2>&1";
    return std::system(command.c_str());
  }

 private:
  static constexpr char kInstall[] = "apt-get install postgresql";

  // Debian keeps them out of the path.
  static std::string program(const std::string& name) {
    std::error_code ignored;
    std::vector<std::string> found;
    for (const auto& version :
         std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      std::string path = version.path().string() + "/bin/" + name;
      if (std::filesystem::exists(path)) found.push_back(path);
    }
    return found.empty() ? name : *std::ranges::max_element(found);
  }

  std::string data() const { return folder_.path() + "/data"; }

  void initialize() {
    const std::string password = folder_.path() + "/password", log = folder_.path() + "/initdb";
    std::ofstream(password) << "sesame\n";
    if (uid_ != 0 && ::chown(password.c_str(), uid_, uid_) != 0)
      throw std::runtime_error("the test's folder cannot be given away");
    ServerProcess initdb;
    initdb.start(
        {program("initdb"), "-D", data(), "-U", "unbolt", "-A", "scram-sha-256", "--pwfile",
         password, "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"},
        log, uid_);
    int status = initdb.wait();
    if (status == 127)
      throw std::runtime_error(std::string("a program for this test is missing: ") + kInstall);
    if (status != 0) throw std::runtime_error("initdb failed: " + text_of(log));
  }

  // Whether it lets clients in: it accepts connections some time before.
  bool answers() const {
    return text_of(data() + "/postmaster.pid").find("ready") != std::string::npos;
  }

  std::vector<pid_t> process_ids() const {
    std::vector<pid_t> ids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (!std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) continue;
      const std::string status = status_of(name);
      if (!status.empty() && process_.id() > 0 && std::atoi(status.c_str() + 2) == process_.id())
        ids.push_back(std::atoi(name.c_str()));
    }
    return ids;
  }

  // "STATE PPID …" of a process; "" where there is none.
  static std::string status_of(const std::string& id) {
    const std::string stat = text_of("/proc/" + id + "/stat");
    const std::size_t end = stat.rfind(')');
    return end == std::string::npos ? "" : stat.substr(end + 2);
  }
  // 0: it has ended.
  static char state_of(pid_t id) {
    const std::string status = status_of(std::to_string(id));
    return status.empty() ? '\0' : status[0];
  }
  static bool running(char state) { return state == 'R' || state == 'S' || state == 'D'; }

  TemporaryFolder folder_;
  std::vector<std::string> extra_;
  uid_t uid_ = 0;
  std::uint16_t port_ = 0;
  ServerProcess process_;
};

}  // namespace unbolt::providers
