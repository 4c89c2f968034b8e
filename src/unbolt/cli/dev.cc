#include "unbolt/cli/dev.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "unbolt/cli/dev_loop.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/serving.h"
#include "unbolt/cli/wit.h"
#include "unbolt/http/server.h"

namespace unbolt::cli {
namespace {

namespace fs = std::filesystem;

// Below the project's folder: data of the links that were made for it, and what `dev` keeps.
Result<> make_data_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directory(folder, failure);
  if (!failure && ::access(folder.c_str(), W_OK) != 0)
    failure = std::error_code(errno, std::generic_category());
  if (failure) {
    return std::unexpected(Error{
        ErrorCode::Io,
        fmt::format("cannot write in '{}': {}", folder.parent_path().string(), failure.message()),
        "builds leave their output beside the sources: work in a copy that is yours"});
  }
  // It is nobody's source.
  if (const fs::path ignore = folder / ".gitignore"; !fs::exists(ignore, failure))
    UNBOLT_TRY(write_file(ignore.string(), "*\n"));
  return {};
}

// One `dev` in a folder, as long as the descriptor is open.
Result<int> lock_folder(const fs::path& folder, const std::string& address) {
  const std::string path = (folder / ".unbolt" / "dev").string();
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(ErrorCode::Io, "cannot write '{}': {}", path, std::strerror(errno));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    std::ifstream in(path);
    std::string who{std::istreambuf_iterator<char>(in), {}};
    while (who.ends_with('\n')) who.pop_back();
    ::close(descriptor);
    return std::unexpected(Error{ErrorCode::Conflict,
                                 fmt::format("unbolt dev runs in '{}' already: {}", folder.string(),
                                             who.empty() ? "another process" : who),
                                 "end that one first, or work in a copy"});
  }
  const std::string text = fmt::format("process {}, http://{}\n", ::getpid(), address);
  if (::ftruncate(descriptor, 0) != 0 ||
      ::write(descriptor, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    ::close(descriptor);
    return fail(ErrorCode::Io, "cannot write '{}': {}", path, std::strerror(errno));
  }
  return descriptor;
}

void say_what_is_not_watched(Console& console, const project::FileWatch& watch) {
  if (watch.left_out().empty()) return;
  std::string folders;
  for (const auto& folder : watch.left_out()) folders += (folders.empty() ? "" : ", ") + folder;
  console.say("dev",
              fmt::format("not all is watched: {}; left out: {} and what is below", watch.reason(),
                          folders),
              Console::Tone::Bad);
}

}  // namespace

int dev_command(const DevOptions& options) {
  const auto endpoint = http::parse_listen_address(options.listen);
  if (!endpoint) return report(Error(endpoint.error()).in("--listen"));
  auto project = read_project(options.project);
  if (!project) {
    Error error = std::move(project).error();
    if (error.code == ErrorCode::NotFound)
      error.hint = "go where the project is, or begin one: unbolt new NAME";
    return report(error);
  }
  const fs::path data = project->folder / ".unbolt";
  if (auto made = make_data_folder(data); !made) return report(made.error());
  const auto listener = http::listen_on(*endpoint);
  // Who is in the way is perhaps this project's.
  const std::string address = listener ? address_of(*listener) : options.listen;
  const auto lock = lock_folder(project->folder, address);
  if (!lock) return report(lock.error());
  if (!listener) {
    return report(
        Error(listener.error()).with_hint("another port: --listen 127.0.0.1:0 takes a free one"));
  }
  auto sources = project::Sources::open(project->folder, project->outputs(), data / "made");
  if (!sources) return report(sources.error());

  // Before there are threads: the engine reads it when it is made, and then knows the lines of the
  // sources.
  ::setenv("WASMTIME_BACKTRACE_DETAILS", "1", 0);
  // The mask, too, is that of the threads to come.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGCHLD, SIG_DFL);
  const int arrived = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  const int wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (arrived < 0 || wake < 0) return report({ErrorCode::Io, std::strerror(errno), ""});

  Console console;
  say_what_is_not_watched(console, sources->watch());
  DevHost host(console, options.threads, [wake] {
    const std::uint64_t one = 1;
    if (::write(wake, &one, sizeof one) < 0) return;  // it is awake
  });
  int status = kFailed;
  {
    DevLoop loop({std::move(*project), std::move(*sources), *listener, arrived, wake, address},
                 console, host);
    status = loop.run();
  }
  ::close(*lock);
  return status;
}

}  // namespace unbolt::cli
