#include "unbolt/cli/dev_keys.h"

#include <unistd.h>

#include <cctype>
#include <csignal>

namespace unbolt::cli {
namespace {

// A program in the background that sets its terminal up would be stopped.
void set_terminal(const termios& how) { ::tcsetattr(STDIN_FILENO, TCSANOW, &how); }

termios single_keys(termios how) {
  how.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  how.c_cc[VMIN] = 0;
  how.c_cc[VTIME] = 0;
  return how;
}

}  // namespace

DevKeys::DevKeys() {
  if (!::isatty(STDIN_FILENO) || !::isatty(STDOUT_FILENO)) return;
  if (::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return;
  if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
  set_terminal(single_keys(before_));
  there_ = true;
}

DevKeys::~DevKeys() {
  if (there_) set_terminal(before_);
}

std::string DevKeys::read() {
  char buffer[64];
  const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (n <= 0) return {};
  std::string keys;
  for (ssize_t i = 0; i < n; ++i) {
    const auto c = static_cast<unsigned char>(buffer[i]);
    if (c == 0x1b) break;  // an arrow or the like
    if (std::isprint(c)) keys += static_cast<char>(std::tolower(c));
  }
  return keys;
}

void DevKeys::begin_line() {
  set_terminal(before_);
  in_line_ = true;
}

std::optional<std::string> DevKeys::read_line() {
  char buffer[4096];
  const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (n < 0) return std::nullopt;
  std::string line(buffer, static_cast<std::size_t>(n));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  set_terminal(single_keys(before_));
  in_line_ = false;
  return line;
}

}  // namespace unbolt::cli
