#include "unbolt/cli/interrupts.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace unbolt::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

// What a signal handler can reach.
std::atomic<int> pipe_end{-1};
std::atomic<int> first_signal{0};

void on_signal(int signal) {
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) ::_exit(status_of_signal(signal));
  const int error = errno;
  if (::write(pipe_end, &signal, sizeof signal) < 0) ::_exit(status_of_signal(signal));
  errno = error;
}

}  // namespace

Interrupts::Interrupts(Executor loop, std::function<void(int)> first) : arrived_(loop) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
  arrived_.assign(ends[0]);
  pipe_end = ends[1];
  first_signal = 0;
  asio::async_read(arrived_, asio::buffer(&number_, sizeof number_),
                   [this, first = std::move(first)](boost::system::error_code ec, std::size_t) {
                     if (!ec) first(number_);
                   });
  for (const int signal : kSignals) {
    struct sigaction action{};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

// What comes now ends the process, as everywhere.
Interrupts::~Interrupts() {
  for (const int signal : kSignals) {
    struct sigaction action{};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler == on_signal) ::signal(signal, SIG_DFL);
  }
  ::close(pipe_end.exchange(-1));
}

}  // namespace unbolt::cli
