#include "unbolt/cli/serving.h"

#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <fmt/format.h>

#include <thread>
#include <vector>

namespace unbolt::cli {

namespace asio = boost::asio;

void run_loops(std::span<const std::unique_ptr<asio::io_context>> loops) {
  const auto run = [](asio::io_context& loop) {
    auto keep = asio::make_work_guard(loop);
    loop.run();
  };
  std::vector<std::thread> threads;
  for (const auto& loop : loops.subspan(1)) threads.emplace_back([&] { run(*loop); });
  run(*loops.front());
  for (auto& thread : threads) thread.join();
}

std::string address_of(int listener) {
  asio::ip::tcp::endpoint bound;
  socklen_t size = static_cast<socklen_t>(bound.capacity());
  ::getsockname(listener, bound.data(), &size);
  const auto address = bound.address();
  return fmt::format("{}:{}",
                     address.is_v6() ? "[" + address.to_string() + "]" : address.to_string(),
                     bound.port());
}

}  // namespace unbolt::cli
