#include "unbolt/cli/run.h"

#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "unbolt/cli/interrupts.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/runtime.h"
#include "unbolt/cli/serving.h"
#include "unbolt/cli/telnet.h"
#include "unbolt/component/bind.h"
#include "unbolt/host/cgi_invocation.h"
#include "unbolt/host/environment.h"
#include "unbolt/host/http_invocation.h"
#include "unbolt/host/json_api.h"
#include "unbolt/host/json_invocation.h"
#include "unbolt/host/telnet_invocation.h"
#include "unbolt/wasi/standard_streams.h"

namespace unbolt::cli {
namespace {

using engine::Fault;
using host::RunCall;

constexpr std::chrono::seconds kDrain{30};

// How the component answers requests: makes the handler of one loop.
using MakeHandler = std::function<std::unique_ptr<http::Handler>(host::ComponentPool&, Log&)>;

// What stands on one event loop: its thread's alone.
struct Loop {
  Loop(asio::io_context& context, const host::ServedComponent& served,
       const engine::FiberSupport& fibers, const MakeHandler& make_handler, Log& log)
      : io(context),
        client(http::make_client(io.get_executor(), {})),
        pool(served, fibers, *client, io.get_executor()),
        handler(make_handler(pool, log)),
        server(http::make_server(io.get_executor(), *handler, {}, log)) {}

  asio::io_context& io;
  std::unique_ptr<http::Client> client;
  host::ComponentPool pool;
  std::unique_ptr<http::Handler> handler;
  std::unique_ptr<http::Server> server;
};

// Ends when the server has nobody left to serve, and what guests sent last is on its way.
Task<> drain(http::Server& server, const wasi::NetworkServices& network) {
  co_await server.stop(kDrain);
  Timer pause(co_await asio::this_coro::executor);
  while (wasi::lingering(network) > 0) {
    pause.expires_after(std::chrono::milliseconds(20));
    co_await pause.async_wait(use_task);
  }
}

// Serves until SIGTERM or SIGINT, then drains.
int serve(const RunOptions& options, Runtime& runtime, const MakeHandler& make_handler) {
  host::ServedComponent& served = runtime.served();
  served.limits.timeout =
      std::chrono::milliseconds(static_cast<long>(options.timeout.value_or(30.0) * 1000));
  served.isolation = runtime.settings().isolation;
  served.streams = host::logged_streams(served.links.logging, served.name);
  const auto listener = http::listen_on(runtime.settings().listen);
  if (!listener) {
    // The address was well formed: that it cannot be had is no bad usage.
    (void)report(listener.error());
    return kFailed;
  }
  std::vector<std::unique_ptr<Loop>> loops;
  for (const auto& context : runtime.loops()) {
    loops.push_back(
        std::make_unique<Loop>(*context, served, runtime.fibers(), make_handler, runtime.log()));
    if (auto started = loops.back()->server->start(*listener); !started)
      return report(started.error());
  }
  asio::io_context& first = loops.front()->io;
  asio::basic_signal_set<Executor> signals(first.get_executor(), SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code ec, int) {
    if (ec) return;
    ::close(*listener);
    for (auto& loop : loops) {
      asio::co_spawn(loop->io, drain(*loop->server, *served.environment.network),
                     [&loop = *loop](std::exception_ptr) { loop.io.stop(); });
    }
    // A second signal does not wait.
    signals.async_wait([&](boost::system::error_code again, int) {
      if (!again) ::_exit(kFailed);
    });
  });

  std::printf("listening on http://%s\n", address_of(*listener).c_str());
  std::fflush(stdout);
  run_loops(runtime.loops());
  return kDone;
}

// What the guest wrote before it ended reaches its reader, however slow that is.
Task<> deliver(const std::shared_ptr<wasi::Sink>& sink) {
  if (!sink) co_return;
  sink->flush();
  while (sink->open() && sink->holds_back()) co_await sink->wait();
}

// Closed without a failure: by its reader.
bool is_broken(const std::shared_ptr<wasi::Sink>& sink) {
  return sink && !sink->open() && !sink->failure();
}

// The arguments outlive the loop's run.
Task<> invoke(host::LiveInstance& live, RunCall& call, std::optional<Fault>& fault) {
  fault = co_await live.instance().start();
  if (!fault) {
    if (!call.begin()) co_await live.instance().store().settle();
    fault = live.instance().store().take_fault();
  }
  const bool stopped =
      fault && (fault->kind == Fault::Kind::Cancelled || fault->kind == Fault::Kind::Deadline);
  if (stopped && !live.wasi().exit_status) co_return;
  co_await asio::this_coro::throw_if_cancelled(true);
  co_await deliver(live.wasi().standard_output);
  co_await deliver(live.wasi().standard_error);
}

// A guest that was ended by a signal had no chance to take back its colours, or to show the cursor
// that it hid; and Ctrl-C leaves its echo in the line.
void leave_terminal_usable(int signal) {
  std::string text;
  const char* kind = std::getenv("TERM");
  if (kind && std::string_view(kind) != "dumb") text += "\033[0m\033[?25h";
  if (signal == SIGINT) text += '\n';
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    if (!::isatty(descriptor)) continue;
    (void)!::write(descriptor, text.data(), text.size());
    return;
  }
}

// Runs the component's wasi:cli/run once, with the process's own streams.
int run_once(const RunOptions& options, Runtime& runtime, const component::ExportedFunc& run) {
  asio::io_context& io = *runtime.loops().front();
  host::ServedComponent& served = runtime.served();
  const auto client = http::make_client(io.get_executor(), {});
  served.environment.stdin_is_terminal = ::isatty(STDIN_FILENO);
  served.environment.stdout_is_terminal = ::isatty(STDOUT_FILENO);
  served.environment.stderr_is_terminal = ::isatty(STDERR_FILENO);

  // The signal that ends the guest: one that came, or SIGPIPE for one that goes on writing into a
  // pipe that nobody reads.
  int ending = 0;
  asio::cancellation_signal stop;
  const auto end_by = [&](int signal) {
    if (ending == 0) ending = signal;
    stop.emit(asio::cancellation_type::terminal);
  };
  const auto output_to = [&](int descriptor) {
    return [&, descriptor](Executor loop) {
      return wasi::descriptor_output(loop, descriptor,
                                     [&] { asio::post(io, [&] { end_by(SIGPIPE); }); });
    };
  };
  served.streams = {[](Executor loop) { return wasi::standard_input(loop, STDIN_FILENO); },
                    output_to(STDOUT_FILENO), output_to(STDERR_FILENO)};

  auto live =
      std::make_unique<host::LiveInstance>(served, runtime.fibers(), *client, io.get_executor());
  set_deadline(*live, options);
  RunCall call(live->instance(), run);
  std::optional<Fault> fault;
  std::exception_ptr failure;
  const Interrupts interrupts(io.get_executor(), end_by);
  asio::co_spawn(io, invoke(*live, call, fault),
                 asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e) {
                   failure = e;
                   io.stop();
                 }));
  io.run();
  // What cancelling threw is its own doing.
  if (failure && ending == 0) std::rethrow_exception(failure);
  const auto exit_status = live->wasi().exit_status;
  const bool unread = is_broken(live->wasi().standard_output);
  live.reset();
  // What it sent before it ended reaches its peers, as if it still ran.
  io.restart();
  while (ending == 0 && wasi::lingering(*served.environment.network) > 0 && io.run_one() > 0) {
  }
  if (ending != 0 &&
      (failure || (fault && fault->kind == Fault::Kind::Cancelled && !exit_status))) {
    if (ending != SIGPIPE) leave_terminal_usable(ending);
    return status_of_signal(ending);
  }
  if (exit_status) return *exit_status;
  // A program that gives up because nobody reads its output is no news.
  if (fault && fault->kind == Fault::Kind::Trap && unread) return status_of_signal(SIGPIPE);
  if (fault) return report(Error{ErrorCode::Trap, options.file + ": " + fault->describe(), {}});
  return call.result() ? kDone : kFailed;
}

// Serves every function of the component that has JSON to say.
int serve_json(const RunOptions& options, Runtime& runtime) {
  const auto api = host::JsonApi::make(runtime.served().component, runtime.served().name);
  if (!api) return report(Error(api.error()).in(options.file));
  for (const auto& function : (*api)->functions()) {
    if (function.not_served.empty()) continue;
    runtime.log().line(LogLevel::Warn, runtime.served().name, "{} is not served: {}", function.path,
                       function.not_served);
  }
  if (auto provided = runtime.provide(options, Runtime::Use::Server); !provided)
    return report(provided.error());
  return serve(options, runtime, [&](host::ComponentPool& pool, Log& log) {
    return std::make_unique<host::JsonHandler>(pool, **api, log);
  });
}

}  // namespace

int run_command(const RunOptions& options) {
  auto loaded = Runtime::load(options);
  if (!loaded) return report(loaded.error());
  Runtime& runtime = **loaded;
  if (options.json) return serve_json(options, runtime);
  if (options.telnet) return serve_telnet(options, runtime);
  const auto handle = host::find_http_handler(runtime.component());
  if (!handle) return report(handle.error());
  const auto* run = host::find_run(runtime.component());
  if (options.cgi && !run) {
    return report(
        Error{ErrorCode::Unsupported,
              options.file + ": --cgi: it is no program: it exports no wasi:cli/run@0.2",
              *handle ? "it handles HTTP by itself: run it without --cgi" : std::string()});
  }
  if (!*handle && !run) {
    if (const auto telnet = host::find_telnet_handler(runtime.component()); telnet && *telnet) {
      return report(Error{ErrorCode::InvalidArgument,
                          options.file + ": it answers telnet, and no address was given for that",
                          "add --telnet 127.0.0.1:2323"});
    }
    return report(Error{
        ErrorCode::Unsupported,
        options.file + ": nothing to run: it exports neither wasi:http/incoming-handler@0.2 nor "
                       "wasi:cli/run@0.2",
        "unbolt inspect FILE lists what it exports, unbolt call FILE FUNCTION calls one"});
  }
  const bool serves = *handle || options.cgi;
  if (auto provided =
          runtime.provide(options, serves ? Runtime::Use::Server : Runtime::Use::Command);
      !provided)
    return report(provided.error());
  // A command has a name; what serves requests has arguments only if it was given some.
  auto& arguments = runtime.served().environment.arguments;
  if (!*handle || options.cgi || !arguments.empty())
    arguments.insert(arguments.begin(), runtime.served().name);
  if (!serves) return run_once(options, runtime, *run);
  if (options.cgi) {
    return serve(options, runtime, [&](host::ComponentPool& pool, Log& log) {
      return std::make_unique<host::CgiHandler>(pool, *run, log);
    });
  }
  return serve(options, runtime, [&](host::ComponentPool& pool, Log& log) {
    return std::make_unique<host::ComponentHandler>(pool, **handle, log);
  });
}

}  // namespace unbolt::cli
