#include "unbolt/cli/call.h"

#include <boost/asio/co_spawn.hpp>

#include <cstdio>

#include "unbolt/cli/output.h"
#include "unbolt/cli/runtime.h"
#include "unbolt/component/export_names.h"
#include "unbolt/component/value_call.h"
#include "unbolt/component/value_json.h"
#include "unbolt/wasi/standard_streams.h"

namespace unbolt::cli {
namespace {

using component::ExportedFunc;
using component::ExportNames;
using component::ValueCall;

constexpr std::size_t kLargestArguments = 64u << 20;

std::string list_exports(const component::LinkedComponent& component, const ExportNames& names) {
  std::string text;
  for (const auto& func : component.plan().exports)
    text += fmt::format("\n  {}: {}", names.full(func), component::to_wit(*func.type));
  return text.empty() ? " nothing" : text;
}

Result<const ExportedFunc*> find_function(const component::LinkedComponent& component,
                                          const ExportNames& names, std::string_view name) {
  auto found = names.find(name);
  if (!found && found.error().code == ErrorCode::NotFound) {
    return std::unexpected(Error{
        ErrorCode::NotFound,
        fmt::format("{}; it exports{}", found.error().message, list_exports(component, names)),
        std::move(found.error().hint)});
  }
  if (!found) return found;
  if (auto callable = component::check_callable(**found); !callable)
    return std::unexpected(std::move(callable).error().in(names.full(**found)));
  return found;
}

Result<std::string> read_text(const std::string& text) {
  if (text != "-") return text;
  std::string content;
  char part[64 * 1024];
  while (const auto size = std::fread(part, 1, sizeof part, stdin)) {
    content.append(part, size);
    if (content.size() > kLargestArguments)
      return fail(ErrorCode::LimitExceeded, "the arguments are larger than {} bytes",
                  kLargestArguments);
  }
  return content;
}

// The references outlive the loop's run.
Task<> invoke(component::Instance& instance, ValueCall& call, std::optional<engine::Fault>& fault) {
  fault = co_await instance.start();
  if (fault) co_return;
  if (!call.begin()) co_await instance.store().settle();
  fault = instance.store().take_fault();
}

// A `result` is told by the exit status; its payload is what is printed, or the error.
int print(const component::FuncType& type, const std::optional<component::Value>& value) {
  const auto outcome = component::outcome_of(type, value);
  std::string text;
  if (outcome.type) component::write_json(*outcome.type, *outcome.value, text);
  if (outcome.failed) {
    fmt::print(stderr, "error: the function answered with an error{}{}\n", text.empty() ? "" : ": ",
               text);
    return kFailed;
  }
  if (!text.empty()) fmt::print("{}\n", text);
  return kDone;
}

}  // namespace

int call_command(const CallOptions& options) {
  auto runtime = Runtime::load(options.run);
  if (!runtime) return report(runtime.error());
  const auto& component = (*runtime)->component();
  const ExportNames names(component.plan(), '.');
  const auto func = find_function(component, names, options.function);
  if (!func) return report(Error(func.error()).in(options.run.file));
  const auto text = read_text(options.arguments);
  if (!text) return report(text.error());
  auto arguments = component::arguments_from_text(*(*func)->type, *text);
  if (!arguments) return report(arguments.error());
  if (auto provided = (*runtime)->provide(options.run, Runtime::Use::Command); !provided)
    return report(provided.error());

  auto& io = *(*runtime)->loops().front();
  auto& served = (*runtime)->served();
  // Standard output is the result's.
  const auto to_stderr = [](Executor loop) {
    return wasi::descriptor_output(loop, STDERR_FILENO, [] {});
  };
  served.streams = {[](Executor) { return wasi::empty_input(); }, to_stderr, to_stderr};
  const auto client = http::make_client(io.get_executor(), {});
  host::LiveInstance live(served, (*runtime)->fibers(), *client, io.get_executor());
  set_deadline(live, options.run);
  ValueCall call(live.instance(), **func, std::move(*arguments));
  std::optional<engine::Fault> fault;
  std::exception_ptr failure;
  asio::co_spawn(io, invoke(live.instance(), call, fault), [&](std::exception_ptr e) {
    failure = e;
    io.stop();
  });
  io.run();
  if (failure) std::rethrow_exception(failure);
  if (fault) {
    return report(
        Error{ErrorCode::Trap, fmt::format("{}: {}", names.full(**func), fault->describe()), {}});
  }
  return print(*(*func)->type, call.result());
}

}  // namespace unbolt::cli
