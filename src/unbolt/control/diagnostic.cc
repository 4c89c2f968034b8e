#include "unbolt/control/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "unbolt/contracts/text.h"

namespace unbolt::control {
namespace {

constexpr std::size_t kMost = 100;
constexpr std::size_t kLongestMessage = 1000;
constexpr std::size_t kLongestLine = 200;

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string Diagnostics::to_text() const {
  std::string out;
  for (const Diagnostic& one : all) {
    const auto& [line, column] = one.position;
    out += contracts::printable(file_name, kLongestLine);
    if (line != 0) fmt::format_to(std::back_inserter(out), ":{}:{}", line, column);
    out += ": error: ";
    if (!one.where.empty()) out += one.where + ": ";
    out += one.message;
    if (!one.hint.empty()) out += "; " + one.hint;
    out += '\n';
    if (one.line.empty()) continue;
    fmt::format_to(std::back_inserter(out), "{:>5} | {}\n      | {:>{}}\n", line, one.line, "^",
                   column);
  }
  return out;
}

Error Diagnostics::to_error() const {
  std::string text = to_text();
  if (text.ends_with('\n')) text.pop_back();
  return {ErrorCode::InvalidArgument, std::move(text), {}};
}

DiagnosticSink::DiagnosticSink(std::string_view text) {
  while (true) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.push_back(line);
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

Position DiagnosticSink::position(std::size_t line, std::size_t column) const {
  if (line >= lines_.size()) return {line + 1, 1};
  const std::string_view before = lines_[line].substr(0, column);
  const auto characters =
      before.size() - static_cast<std::size_t>(std::ranges::count_if(before, continues_character));
  return {line + 1, characters + 1};
}

void DiagnosticSink::report(Position position, std::string_view where, std::string_view message,
                            std::string_view hint) {
  if (found_.size() == kMost) {
    ++further_;
    return;
  }
  found_.insert(std::ranges::upper_bound(found_, position, {}, &Diagnostic::position),
                {.position = position,
                 .where = contracts::printable(where, kLongestMessage),
                 .message = contracts::printable(message, kLongestMessage),
                 .hint = contracts::printable(hint, kLongestMessage)});
}

void DiagnosticSink::report(Position position, std::string_view where, const Error& error) {
  report(position, where, error.message, error.hint);
}

Diagnostics DiagnosticSink::take(std::string_view file_name) && {
  for (Diagnostic& one : found_) {
    const std::size_t number = one.position.line;
    if (number == 0 || number > lines_.size()) continue;
    std::string line = without_secrets(lines_, number - 1);
    std::ranges::replace(line, '\t', ' ');
    // A caret far to the right helps nobody.
    if (one.position.column <= kLongestLine) one.line = contracts::printable(line, kLongestLine);
  }
  if (further_ > 0) {
    found_.push_back({.message = fmt::format("{} further mistakes are not shown", further_)});
  }
  return {std::string(file_name), std::move(found_)};
}

}  // namespace unbolt::control
