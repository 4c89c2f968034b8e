// Asks an echo server: on each connection one message is under way at a time.
//
//   echo_load PORT CONNECTIONS BYTES SECONDS      prints how many came back and in how many seconds
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Connection {
  int socket;
  std::size_t sent = 0, received = 0;
};

// What goes without waiting; the number of messages that came back whole.
unsigned long advance(Connection& connection, std::vector<char>& out, std::vector<char>& in) {
  unsigned long rounds = 0;
  for (bool moved = true; moved;) {
    moved = false;
    if (connection.sent < out.size()) {
      const auto n = ::send(connection.socket, out.data() + connection.sent,
                            out.size() - connection.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) give_up("send");
      if (n > 0) connection.sent += static_cast<std::size_t>(n), moved = true;
    }
    const auto n = ::recv(connection.socket, in.data(), in.size(), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) give_up("recv");
    if (n > 0) {
      connection.received += static_cast<std::size_t>(n);
      moved = true;
      if (connection.received == out.size()) {
        connection.sent = connection.received = 0;
        ++rounds;
      }
    }
  }
  return rounds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto number = [&](int i) { return std::strtoul(argv[i], nullptr, 10); };
  std::vector<char> out(number(3), 'x'), in(256 * 1024);
  std::vector<Connection> connections;
  const int poll = ::epoll_create1(0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(number(1)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (unsigned long i = 0; i < number(2); ++i) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      give_up("connect");
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections.push_back({socket});
    epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {.u64 = i}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
  }
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  const auto end = began + std::chrono::milliseconds(static_cast<long>(1000 * std::atof(argv[4])));
  unsigned long rounds = 0;
  for (auto& connection : connections) rounds += advance(connection, out, in);
  epoll_event events[64];
  auto now = began;
  while (now < end) {
    const int count = ::epoll_wait(poll, events, 64, 1000);
    for (int i = 0; i < count; ++i) rounds += advance(connections[events[i].data.u64], out, in);
    now = Clock::now();
  }
  std::printf("%lu %.6f\n", rounds, std::chrono::duration<double>(now - began).count());
}
