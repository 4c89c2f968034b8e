#include "unbolt/project/shell_command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

extern "C" char** environ;

namespace unbolt::project {
namespace {

constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kLongestLine = 64 * 1024;

std::vector<std::string> merged(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    if (!more.contains(std::string(text.substr(0, text.find('='))))) all.emplace_back(text);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

}  // namespace

Result<ShellCommand> ShellCommand::start(const std::string& command, const std::string& folder,
                                         const std::map<std::string, std::string>& environment) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(ErrorCode::Io, "no pipe for '{}': {}", command, std::strerror(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);

  std::string shell = "sh", flag = "-c", text = command;
  char* arguments[] = {shell.data(), flag.data(), text.data(), nullptr};
  auto variables = merged(environment);
  std::vector<char*> pointers;
  for (auto& variable : variables) pointers.push_back(variable.data());
  pointers.push_back(nullptr);

  pid_t process = -1;
  const int error =
      ::posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments, pointers.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return fail(ErrorCode::Io, "cannot run '{}' in '{}': {}", command, folder,
                std::strerror(error));
  }
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (descriptor >= 0) ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return ShellCommand(descriptor, process, ends[0]);
}

ShellCommand::ShellCommand(ShellCommand&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      group_(std::exchange(other.group_, -1)),
      output_(std::exchange(other.output_, -1)),
      pending_(std::move(other.pending_)),
      interrupted_(other.interrupted_),
      status_(other.status_) {}

ShellCommand& ShellCommand::operator=(ShellCommand&& other) noexcept {
  if (this != &other) {
    end();
    process_ = std::exchange(other.process_, -1);
    group_ = std::exchange(other.group_, -1);
    output_ = std::exchange(other.output_, -1);
    pending_ = std::move(other.pending_);
    interrupted_ = other.interrupted_;
    status_ = other.status_;
  }
  return *this;
}

ShellCommand::~ShellCommand() { end(); }

void ShellCommand::end() {
  if (group_ > 0) {
    signal_group(SIGKILL);
    int status;
    while (::waitpid(group_, &status, 0) < 0 && errno == EINTR) continue;
  }
  if (process_ >= 0) ::close(process_);
  if (output_ >= 0) ::close(output_);
  process_ = group_ = output_ = -1;
}

void ShellCommand::signal_group(int signal) const {
  if (group_ > 0) ::kill(-group_, signal);
}

void ShellCommand::read(const OnLine& line) {
  char buffer[16 * 1024];
  while (output_ >= 0) {
    const ssize_t n = ::read(output_, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      ::close(std::exchange(output_, -1));
      break;
    }
    pending_.append(buffer, static_cast<std::size_t>(n));
    std::size_t start = 0;
    for (std::size_t end; (end = pending_.find('\n', start)) != std::string::npos; start = end + 1)
      line(std::string_view(pending_).substr(start, end - start));
    pending_.erase(0, start);
    if (pending_.size() >= kLongestLine) line(std::exchange(pending_, {}));
  }
  if (!pending_.empty()) line(std::exchange(pending_, {}));
}

std::optional<int> ShellCommand::ended(const OnLine& line) {
  if (status_) return status_;
  if (interrupted_ && std::chrono::steady_clock::now() - *interrupted_ > kPatience)
    signal_group(SIGKILL);
  int status = 0;
  const pid_t found = ::waitpid(group_, &status, WNOHANG);
  if (found == 0 || (found < 0 && errno == EINTR)) return std::nullopt;
  status_ = found < 0 ? 127 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  // The group may live on after its leader.
  signal_group(SIGKILL);
  group_ = -1;
  read(line);
  if (!pending_.empty()) line(std::exchange(pending_, {}));
  return status_;
}

void ShellCommand::interrupt() {
  if (status_) return;
  const auto now = std::chrono::steady_clock::now();
  if (!interrupted_) {
    interrupted_ = now;
    signal_group(SIGTERM);
  } else if (now - *interrupted_ > kPatience) {
    signal_group(SIGKILL);
  }
}

int ShellCommand::wait(const OnLine& line, const std::function<void()>& tick) {
  for (;;) {
    pollfd ready[] = {{output_, POLLIN, 0}, {process_, POLLIN, 0}};
    ::poll(ready, 2, 100);
    read(line);
    if (const auto status = ended(line)) return *status;
    tick();
  }
}

}  // namespace unbolt::project
