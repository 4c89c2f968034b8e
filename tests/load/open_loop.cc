// A load of HTTP requests at a fixed rate, whatever the server does: a request is due at its time,
// and its latency counts from then (no coordinated omission). Until standard input ends.
//
//   open_loop PORT --rate N --connections N --paths N --out FILE      (rate 0: as fast as it goes)
//
// Each request is `GET /NUMBER`, the numbers in turn over so many paths. FILE gets 16 bytes a
// request, little endian: when it was due (ns, CLOCK_MONOTONIC, 8), its latency (us, 4), its status
// (2; 0: the connection broke), the first byte of the body (2; 0: there was none).
// The last line on standard output: `N requests, N failed`.
#include <unistd.h>

#include <boost/asio.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

struct Record {
  std::uint64_t due;
  std::uint32_t latency;
  std::uint16_t status;
  std::uint16_t body;
};
static_assert(sizeof(Record) == 16);

struct Load {
  asio::io_context io{1};
  tcp::endpoint server;
  std::uint64_t rate = 1000, paths = 1;
  Clock::time_point begin;
  std::uint64_t next = 0;
  bool stopping = false;
  std::size_t running = 0;
  std::vector<Record> records;
};

struct Answer {
  std::uint16_t status = 0;
  std::uint16_t body = 0;
};

asio::awaitable<Answer> exchange(tcp::socket& socket, std::uint64_t path) {
  std::string request = "GET /" + std::to_string(path) + " HTTP/1.1\r\nHost: load.example\r\n\r\n";
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await asio::async_write(socket, asio::buffer(request), token);
  std::string text;
  std::size_t head = std::string::npos, length = 0;
  bool chunked = false;
  while (!error) {
    char buffer[4096];
    const std::size_t size = co_await socket.async_read_some(asio::buffer(buffer), token);
    text.append(buffer, size);
    if (head == std::string::npos) {
      head = text.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const auto field = text.find("ontent-length: ");
      chunked = field > head;
      if (!chunked) length = std::strtoul(text.c_str() + field + 15, nullptr, 10);
      head += 4;
    }
    // A body that took long to come is sent in chunks.
    if (chunked ? !text.ends_with("\r\n0\r\n\r\n") : text.size() < head + length) continue;
    if (chunked) {
      const auto first = text.find("\r\n", head);
      length = std::strtoul(text.c_str() + head, nullptr, 16);
      head = first + 2;
    }
    Answer answer;
    answer.status = static_cast<std::uint16_t>(std::atoi(text.c_str() + 9));
    if (length > 0) answer.body = static_cast<unsigned char>(text[head]);
    co_return answer;
  }
  co_return Answer{};
}

asio::awaitable<void> connection(Load& load) {
  tcp::socket socket(load.io);
  asio::steady_timer timer(load.io);
  while (!load.stopping) {
    const std::uint64_t ticket = load.next++;
    auto due = Clock::now();
    if (load.rate > 0) {
      due = load.begin + std::chrono::nanoseconds(ticket * 1'000'000'000 / load.rate);
      if (due > Clock::now()) {
        timer.expires_at(due);
        boost::system::error_code ignored;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        if (load.stopping) break;
      }
    }
    Answer answer;
    if (!socket.is_open()) {
      boost::system::error_code error;
      co_await socket.async_connect(load.server, asio::redirect_error(asio::use_awaitable, error));
      if (!error) socket.set_option(tcp::no_delay(true));
    }
    answer = co_await exchange(socket, ticket % load.paths);
    if (answer.status == 0) {
      boost::system::error_code ignored;
      socket.close(ignored);
    }
    const auto latency = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - due);
    load.records.push_back({static_cast<std::uint64_t>(due.time_since_epoch().count()),
                            static_cast<std::uint32_t>(latency.count()), answer.status,
                            answer.body});
  }
  if (--load.running == 0) load.io.stop();
}

asio::awaitable<void> stop_at_end_of_input(Load& load) {
  asio::posix::stream_descriptor input(load.io, ::dup(STDIN_FILENO));
  char byte = 0;
  boost::system::error_code error;
  while (!error)
    co_await input.async_read_some(asio::buffer(&byte, 1),
                                   asio::redirect_error(asio::use_awaitable, error));
  load.stopping = true;
}

}  // namespace

int main(int argc, char** argv) {
  Load load;
  std::size_t connections = 64;
  std::string out;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--out") {
      out = argv[i + 1];
    } else if (name == "--rate") {
      load.rate = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--connections") {
      connections = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (name == "--paths") {
      load.paths = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      std::fprintf(stderr, "error: no such option: %s\n", argv[i]);
      return 2;
    }
  }
  if (argc < 2 || out.empty() || load.paths == 0) {
    std::fprintf(stderr, "usage: open_loop PORT --rate N --connections N --paths N --out FILE\n");
    return 2;
  }
  load.server = {asio::ip::address_v4::loopback(),
                 static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10))};
  load.begin = Clock::now();
  load.running = connections;
  for (std::size_t i = 0; i < connections; ++i)
    asio::co_spawn(load.io, connection(load), asio::detached);
  asio::co_spawn(load.io, stop_at_end_of_input(load), asio::detached);
  load.io.run();

  std::FILE* file = std::fopen(out.c_str(), "wb");
  if (!file || std::fwrite(load.records.data(), sizeof(Record), load.records.size(), file) !=
                   load.records.size()) {
    std::perror(out.c_str());
    return 1;
  }
  std::fclose(file);
  std::size_t failed = 0;
  for (const Record& record : load.records) failed += record.status != 200;
  std::printf("%zu requests, %zu failed\n", load.records.size(), failed);
  return 0;
}
