#include <tuple>

#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/wasi/context.h"
#include "unbolt/wasi/interfaces.h"

namespace unbolt::wasi {
namespace {

using component::Call;
using component::Own;

Context& context(Call& call) { return *call.host<contracts::Guest>().wasi; }

std::vector<std::tuple<std::string, std::string>> get_environment(Call& call) {
  const Context& cx = context(call);
  std::vector<std::tuple<std::string, std::string>> out;
  if (cx.variables) {
    for (const auto& [name, value] : *cx.variables) out.emplace_back(name, value);
  } else {
    for (const auto& [name, value] : cx.environment->grants.env) out.emplace_back(name, value);
  }
  return out;
}
std::vector<std::string> get_arguments(Call& call) {
  const Context& cx = context(call);
  return cx.arguments ? *cx.arguments : cx.environment->arguments;
}
std::optional<std::string> initial_cwd(Call&) { return std::nullopt; }

// Ends the guest with a trap that is no failure: whoever made the call reads `exit_status`.
Result<> leave(Call& call, int status) {
  context(call).exit_status = status;
  return fail(ErrorCode::Cancelled, "exit with status {}", status);
}
Result<> exit(Call& call, std::expected<void, std::monostate> status) {
  return leave(call, status ? 0 : 1);
}
Result<> exit_with_code(Call& call, std::uint8_t status) { return leave(call, status); }

template <class Stream>
std::shared_ptr<Stream> made(Call& call, std::shared_ptr<Stream>& stream,
                             const std::function<std::shared_ptr<Stream>(Executor)>& make) {
  if (!stream) stream = make(call.host<contracts::Guest>().loop);
  return stream;
}
Own<InputStream> get_stdin(Call& call) {
  Context& cx = context(call);
  return std::make_unique<InputStream>(made(call, cx.standard_input, cx.streams->input));
}
Own<OutputStream> get_stdout(Call& call) {
  Context& cx = context(call);
  return std::make_unique<OutputStream>(made(call, cx.standard_output, cx.streams->output));
}
Own<OutputStream> get_stderr(Call& call) {
  Context& cx = context(call);
  return std::make_unique<OutputStream>(made(call, cx.standard_error, cx.streams->error));
}

// They say only that there is a terminal.
class TerminalInput {};
class TerminalOutput {};

template <class T>
std::optional<Own<T>> terminal(bool there) {
  if (!there) return std::nullopt;
  return std::make_unique<T>();
}
std::optional<Own<TerminalInput>> terminal_stdin(Call& call) {
  return terminal<TerminalInput>(context(call).environment->stdin_is_terminal);
}
std::optional<Own<TerminalOutput>> terminal_stdout(Call& call) {
  return terminal<TerminalOutput>(context(call).environment->stdout_is_terminal);
}
std::optional<Own<TerminalOutput>> terminal_stderr(Call& call) {
  return terminal<TerminalOutput>(context(call).environment->stderr_is_terminal);
}

}  // namespace

void add_cli(component::HostInterfaces& host) {
  host.add("wasi:cli/environment@0.2.12")
      .func<&get_environment>("get-environment")
      .func<&get_arguments>("get-arguments")
      .func<&initial_cwd>("initial-cwd");
  host.add("wasi:cli/exit@0.2.12").func<&exit>("exit").func<&exit_with_code>("exit-with-code");
  host.add("wasi:cli/stdin@0.2.12").func<&get_stdin>("get-stdin");
  host.add("wasi:cli/stdout@0.2.12").func<&get_stdout>("get-stdout");
  host.add("wasi:cli/stderr@0.2.12").func<&get_stderr>("get-stderr");
  host.add("wasi:cli/terminal-input@0.2.12").resource<TerminalInput>("terminal-input");
  host.add("wasi:cli/terminal-output@0.2.12").resource<TerminalOutput>("terminal-output");
  host.add("wasi:cli/terminal-stdin@0.2.12").func<&terminal_stdin>("get-terminal-stdin");
  host.add("wasi:cli/terminal-stdout@0.2.12").func<&terminal_stdout>("get-terminal-stdout");
  host.add("wasi:cli/terminal-stderr@0.2.12").func<&terminal_stderr>("get-terminal-stderr");
}

}  // namespace unbolt::wasi
