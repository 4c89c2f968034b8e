#include "unbolt/cli/telnet.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>

#include "unbolt/cli/output.h"
#include "unbolt/cli/serving.h"
#include "unbolt/host/environment.h"
#include "unbolt/host/telnet_invocation.h"
#include "unbolt/http/client.h"
#include "unbolt/http/server.h"
#include "unbolt/telnet/listener.h"

namespace unbolt::cli {
namespace {

constexpr std::chrono::milliseconds kDrain{10'000}, kLook{20};

// What stands on one event loop: its thread's alone.
struct Loop {
  Loop(asio::io_context& context, const host::ServedComponent& served,
       const engine::FiberSupport& fibers)
      : io(context),
        client(http::make_client(io.get_executor(), {})),
        pool(served, fibers, *client, io.get_executor()) {}

  asio::io_context& io;
  std::unique_ptr<http::Client> client;
  host::ComponentPool pool;
};

Task<> converse(Loop& loop, const component::ExportedFunc& handle,
                std::unique_ptr<telnet::Accepted> client, Log& log) {
  auto session = client->open(loop.io.get_executor(), log);
  if (session) (void)co_await host::handle_session(loop.pool, handle, std::move(session), log);
}

Task<> wait_for_all(const telnet::Sessions& sessions) {
  const auto deadline = std::chrono::steady_clock::now() + kDrain;
  Timer pause(co_await asio::this_coro::executor);
  while (sessions.count() > 0 && std::chrono::steady_clock::now() < deadline) {
    pause.expires_after(kLook);
    co_await pause.async_wait(use_task);
  }
}

}  // namespace

int serve_telnet(const RunOptions& options, Runtime& runtime) {
  const auto handle = host::find_telnet_handler(runtime.component());
  if (!handle) return report(handle.error());
  if (!*handle) {
    return report(Error{ErrorCode::Unsupported,
                        options.file + ": --telnet: it exports no unbolt:telnet/handler@0.1.0",
                        "unbolt inspect FILE lists what it exports"});
  }
  const auto endpoint = http::parse_listen_address(*options.telnet);
  if (!endpoint) return report(Error(endpoint.error()).in("--telnet"));
  if (auto provided = runtime.provide(options, Runtime::Use::Server); !provided)
    return report(provided.error());
  host::ServedComponent& served = runtime.served();
  served.limits.timeout =
      std::chrono::milliseconds(static_cast<long>(options.timeout.value_or(30.0) * 1000));
  served.streams = host::logged_streams(served.links.logging, served.name);
  const auto socket = http::listen_on(*endpoint);
  if (!socket) {
    (void)report(socket.error());
    return kFailed;
  }
  std::vector<std::unique_ptr<Loop>> loops;
  for (const auto& context : runtime.loops())
    loops.push_back(std::make_unique<Loop>(*context, served, runtime.fibers()));
  const std::string address = address_of(*socket);

  asio::io_context& first = loops.front()->io;
  Log& log = runtime.log();
  std::size_t turn = 0;
  telnet::Listener listener(
      first.get_executor(), *socket, {}, log, [&](std::unique_ptr<telnet::Accepted> client) {
        Loop& loop = *loops[turn++ % loops.size()];
        asio::post(loop.io, [&loop, &handle, &log, client = std::move(client)]() mutable {
          asio::co_spawn(loop.io, converse(loop, **handle, std::move(client), log), asio::detached);
        });
      });
  asio::basic_signal_set<Executor> signals(first.get_executor(), SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code ec, int) {
    if (ec) return;
    listener.stop();
    asio::co_spawn(first, wait_for_all(listener.sessions()), [&](std::exception_ptr) {
      for (auto& loop : loops) loop->io.stop();
    });
    // A second signal does not wait.
    signals.async_wait([](boost::system::error_code again, int) {
      if (!again) ::_exit(kFailed);
    });
  });
  std::printf("listening on telnet://%s\n", address.c_str());
  std::fflush(stdout);
  run_loops(runtime.loops());
  return kDone;
}

}  // namespace unbolt::cli
