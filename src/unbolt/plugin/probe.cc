#include "unbolt/plugin/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

extern char** environ;

namespace unbolt::plugin {
namespace {

constexpr int kRefused = 3;  // the child's exit status where it says why on stdout
constexpr std::size_t kMostText = 16 * 1024;

class Child {
 public:
  ~Child() {
    if (out_ >= 0) ::close(out_);
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)wait();
  }

  Result<> start(const std::vector<std::string>& command, int in) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return cannot(errno);
    out_ = pipe[0];
    std::vector<char*> arguments;
    for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    const int failed =
        ::posix_spawn(&pid_, arguments[0], &actions, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    if (!failed) return {};
    pid_ = 0;
    return cannot(failed);
  }

  // All that it writes until it ends; false where it has not ended in time.
  bool read(std::string& text, std::chrono::steady_clock::time_point deadline) {
    std::array<char, 1024> part;
    while (true) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd waiting{.fd = out_, .events = POLLIN, .revents = 0};
      if (left.count() <= 0) return false;
      const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return false;
      const auto got = ::read(out_, part.data(), part.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return true;
      if (text.size() < kMostText) text.append(part.data(), static_cast<std::size_t>(got));
    }
  }

  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  static std::unexpected<Error> cannot(int why) {
    return fail(ErrorCode::Io, "no process to try it out in: {}", std::strerror(why));
  }

  int out_ = -1;
  pid_t pid_ = 0;
};

}  // namespace

Result<> probe(const ProbeCommand& command, const std::string& path,
               const Provider::Options& options, std::chrono::milliseconds patience) {
  std::vector<std::string> all = command;
  all.push_back(path);
  std::string given;
  for (const auto& [name, value] : options) given += name + "=" + value + '\0';
  const int in = ::memfd_create("unbolt-plugin-options", MFD_CLOEXEC);
  if (in < 0 || ::pwrite(in, given.data(), given.size(), 0) < 0) {
    if (in >= 0) ::close(in);
    return fail(ErrorCode::Io, "plug-in {}: its options cannot be handed over", path);
  }
  Child child;
  const auto started = child.start(all, in);
  ::close(in);
  UNBOLT_TRY(started);
  std::string said;
  if (!child.read(said, std::chrono::steady_clock::now() + patience)) {
    return fail(ErrorCode::Timeout, "plug-in {}: its open did not end within {} s", path,
                std::chrono::duration<double>(patience).count());
  }
  const int status = child.wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == kRefused && !said.empty()) {
    // The code as a letter and the message, a line; then the hint.
    const auto line = said.find('\n');
    Error error{ErrorCode::Unavailable, said.substr(0, line), {}};
    if (line != said.npos) error.hint = said.substr(line + 1);
    if (error.message.size() > 2) {
      error.code = static_cast<ErrorCode>(error.message[0] - 'A');
      error.message.erase(0, 1);
    }
    return std::unexpected(std::move(error));
  }
  if (WIFSIGNALED(status)) {
    return std::unexpected(
        Error{ErrorCode::Unavailable,
              fmt::format("plug-in {} crashed when it was opened: {}", path,
                          ::strsignal(WTERMSIG(status))),
              "it was tried out in a process of its own; nothing else came to harm"});
  }
  return fail(ErrorCode::Unavailable, "plug-in {} ended its process when it was opened (status {})",
              path, WIFEXITED(status) ? WEXITSTATUS(status) : 0);
}

int run_probe(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return 2;
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  // What the plug-in prints by itself is no answer of ours.
  const int out = ::dup(STDOUT_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  Provider::Options options;
  std::string given(1 << 20, 0);
  const auto size = ::pread(STDIN_FILENO, given.data(), given.size(), 0);
  given.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  for (std::size_t at = 0; at < given.size();) {
    const std::string one = given.c_str() + at;
    const auto equals = one.find('=');
    options.emplace_back(one.substr(0, equals), one.substr(equals + 1));
    at += one.size() + 1;
  }
  std::string said;
  {
    const auto provider = Provider::open(arguments[0], options, stderr_log(LogLevel::Error));
    if (!provider) {
      said = static_cast<char>('A' + static_cast<int>(provider.error().code)) +
             provider.error().message;
      if (!provider.error().hint.empty()) said += '\n' + provider.error().hint;
    }
  }
  if (said.empty()) return 0;
  (void)!::write(out, said.data(), said.size());
  return kRefused;
}

Result<std::shared_ptr<Provider>> open_probed(const ProbeCommand& command, const std::string& path,
                                              const Provider::Options& options, Log& log) {
  if (!command.empty()) UNBOLT_TRY(probe(command, path, options));
  return Provider::open(path, options, log);
}

}  // namespace unbolt::plugin
