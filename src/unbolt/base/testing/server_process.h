// For tests: another program, started and ended by the test.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace unbolt {

// A loopback port that nobody listens on now.
inline std::uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bool ok = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!ok) throw std::runtime_error("no free port on loopback");
  return ntohs(address.sin_port);
}

// Whether a connection to the port is accepted.
inline bool accepts(std::uint16_t port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bool ok = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return ok;
}

// A child process, killed at the latest with the thread that started it. One thread uses it.
class ServerProcess {
 public:
  ServerProcess() = default;
  ~ServerProcess() { kill(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Its output goes to `log`. `uid`: the user it becomes, 0 for the test's own.
  void start(std::vector<std::string> arguments, std::string log, uid_t uid = 0) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) {
      if (uid != 0 && (::setgid(uid) != 0 || ::setuid(uid) != 0)) ::_exit(126);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(125);
      ::setpgid(0, 0);
      ::dup2(out, 1);
      ::dup2(out, 2);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(out);
  }

  bool running() {
    if (pid_ <= 0) return false;
    if (::waitpid(pid_, &status_, WNOHANG) != pid_) return true;
    pid_ = 0;
    return false;
  }
  // Of what has ended by itself; 127: there is no such program.
  int exit_status() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }

  // Waits until it ends; its exit status.
  int wait() {
    if (pid_ > 0) ::waitpid(pid_, &status_, 0);
    pid_ = 0;
    return exit_status();
  }
  pid_t id() const { return pid_; }  // 0 where none runs
  void signal(int number) {
    if (pid_ > 0) ::kill(pid_, number);
  }
  // At once, with the processes it has started in its group.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    wait();
  }

 private:
  pid_t pid_ = 0;
  int status_ = 0;
};

inline std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// Waits until `ready` holds; throws, with the log, where the process ends or the time is over.
inline void wait_until_ready(ServerProcess& process, const std::string& log,
                             const std::string& install, const std::function<bool()>& ready,
                             std::chrono::seconds within = std::chrono::seconds(30)) {
  auto end = std::chrono::steady_clock::now() + within;
  while (!ready()) {
    if (!process.running()) {
      if (process.exit_status() == 127)
        throw std::runtime_error("a program for this test is missing: " + install);
      throw std::runtime_error("the server ended while it started: " + text_of(log));
    }
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("the server does not become ready: " + text_of(log));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace unbolt
