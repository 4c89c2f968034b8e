#include "unbolt/cli/console.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "unbolt/contracts/text.h"

namespace unbolt::cli {
namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::array<std::string_view, 6> kNameColours = {"\x1b[36m", "\x1b[35m", "\x1b[34m",
                                                          "\x1b[33m", "\x1b[96m", "\x1b[95m"};
constexpr std::size_t kWidest = 24;
constexpr std::size_t kLongestLine = 16 * 1024;

std::string_view colour_of(Console::Tone tone) {
  switch (tone) {
    case Console::Tone::Plain: return "";
    case Console::Tone::Good: return "\x1b[32m";
    case Console::Tone::Bad: return "\x1b[31m";
    case Console::Tone::Quiet: return "\x1b[2m";
  }
  return "";
}

bool terminal_has_colours() {
  const char* none = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) && !(none && *none) && kind && std::string_view(kind) != "dumb";
}

}  // namespace

Console::Console() : colours_(terminal_has_colours()) {}

void Console::say(std::string_view source, std::string_view text, Tone tone) {
  std::string out;
  const std::lock_guard lock(mutex_);
  width_ = std::max(width_, std::min(source.size(), kWidest));
  const std::string_view name =
      kNameColours[std::hash<std::string_view>()(source) % kNameColours.size()];
  const std::string_view colour = colour_of(tone);
  do {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (colours_) {
      out +=
          fmt::format("{}{:<{}}{} | {}{}{}\n", name, source, width_, kReset, colour, line, kReset);
    } else {
      out += fmt::format("{:<{}} | {}\n", source, width_, line);
    }
  } while (!text.empty());
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

void Console::write(LogLevel level, std::string_view source, std::string_view message) {
  std::string text;
  for (bool first = true; first || !message.empty(); first = false) {
    const std::string_view line = message.substr(0, message.find('\n'));
    message.remove_prefix(std::min(line.size() + 1, message.size()));
    if (!first) text += '\n';
    if (first && level >= LogLevel::Error) text += "error: ";
    if (first && level == LogLevel::Warn) text += "warning: ";
    text += contracts::printable(line, kLongestLine);
  }
  say(source, text, level >= LogLevel::Error ? Tone::Bad : Tone::Plain);
}

}  // namespace unbolt::cli
