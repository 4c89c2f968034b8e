#include "unbolt/cli/call.h"

#include <boost/asio/co_spawn.hpp>

#include <cstdio>

#include <nlohmann/json.hpp>

#include "unbolt/cli/output.h"
#include "unbolt/cli/runtime.h"
#include "unbolt/component/value_call.h"
#include "unbolt/component/value_json.h"
#include "unbolt/wasi/standard_streams.h"

namespace unbolt::cli {
namespace {

using component::ExportedFunc;
using component::ValueCall;
using nlohmann::ordered_json;

constexpr std::size_t kLargestArguments = 64u << 20;

// "package:name/interface.function", or a function of the world's top level.
std::string full_name(const ExportedFunc& func) {
  return func.interface_name.empty() ? func.name : func.interface_name + '.' + func.name;
}

// The interface may be given without its version, or without its package.
bool is_called(const ExportedFunc& func, std::string_view name) {
  if (name == full_name(func)) return true;
  const std::string_view interface = func.interface_name;
  const auto unversioned = interface.substr(0, interface.find('@'));
  const auto bare = unversioned.substr(unversioned.find('/') + 1);
  for (const auto prefix : {unversioned, bare}) {
    if (!interface.empty() && name.starts_with(prefix) &&
        name.substr(prefix.size()).starts_with('.') && name.substr(prefix.size() + 1) == func.name)
      return true;
  }
  return false;
}

std::string list_exports(const component::LinkedComponent& component) {
  std::string text;
  for (const auto& func : component.plan().exports)
    text += fmt::format("\n  {}: {}", full_name(func), component::to_wit(*func.type));
  return text.empty() ? " nothing" : text;
}

Result<const ExportedFunc*> find_function(const component::LinkedComponent& component,
                                          std::string_view name) {
  const ExportedFunc* found = nullptr;
  for (const auto& func : component.plan().exports) {
    if (!is_called(func, name)) continue;
    if (found) {
      return fail(ErrorCode::InvalidArgument, "'{}' may be {} or {}: give the whole name", name,
                  full_name(*found), full_name(func));
    }
    found = &func;
  }
  if (!found)
    return fail(ErrorCode::NotFound, "no function '{}'; it exports{}", name,
                list_exports(component));
  if (!std::holds_alternative<std::uint32_t>(found->target))
    return fail(ErrorCode::Unsupported, "{} is an import that is exported again",
                full_name(*found));
  if (auto plain = component::check_plain_values(*found->type); !plain)
    return std::unexpected(std::move(plain).error().in(full_name(*found)));
  return found;
}

Result<ordered_json> read_arguments(const std::string& text) {
  std::string content = text;
  if (text == "-") {
    content.clear();
    char part[64 * 1024];
    while (const auto size = std::fread(part, 1, sizeof part, stdin)) {
      content.append(part, size);
      if (content.size() > kLargestArguments)
        return fail(ErrorCode::LimitExceeded, "the arguments are larger than {} bytes",
                    kLargestArguments);
    }
  }
  try {
    return ordered_json::parse(content);
  } catch (const ordered_json::parse_error& e) {
    return fail(ErrorCode::InvalidArgument, "the arguments are no JSON, at byte {}", e.byte);
  }
}

// The references outlive the loop's run.
Task<> invoke(component::Instance& instance, ValueCall& call, std::optional<engine::Fault>& fault) {
  fault = co_await instance.start();
  if (fault) co_return;
  if (!call.begin()) co_await instance.store().settle();
  fault = instance.store().take_fault();
}

std::string text_of(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// A `result` is told by the exit status; its payload is what is printed, or the error.
int print(const component::Type* type, const std::optional<component::Value>& value) {
  if (!type) return kDone;
  auto json = component::value_to_json(*type, *value);
  if (type->kind != component::TypeKind::Result) {
    fmt::print("{}\n", text_of(json));
    return kDone;
  }
  const bool failed = json["tag"] == "err";
  const std::string text = json.contains("val") ? text_of(json["val"]) : std::string();
  if (failed) {
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
  const auto func = find_function(component, options.function);
  if (!func) return report(Error(func.error()).in(options.run.file));
  const auto json = read_arguments(options.arguments);
  if (!json) return report(json.error());
  auto arguments = component::arguments_from_json(*(*func)->type, *json);
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
        Error{ErrorCode::Trap, fmt::format("{}: {}", full_name(**func), fault->describe()), {}});
  }
  return print((*func)->type->result, call.result());
}

}  // namespace unbolt::cli
