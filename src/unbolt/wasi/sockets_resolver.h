// Names of hosts: which text is one, and which addresses it has.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "unbolt/wasi/sockets_address.h"

namespace unbolt::wasi {

// What a guest gave to be looked up: an address in its own notation (IPv6 also in brackets), or a
// name in lower case and ASCII, without a dot at the end. InvalidArgument where it is neither.
// Names of other scripts are converted with IDNA by the system's libidn2; NotSupported where that
// is not installed.
SocketResult<std::variant<asio::ip::address, std::string>> parse_host(std::string_view text);

using Addresses = SocketResult<std::vector<asio::ip::address>>;

// One look-up. Belongs to its loop: whoever wants it no longer lets go of it, and waits for nobody.
struct Lookup {
  std::string name;
  Executor loop;
  std::function<void(Addresses)> done;  // runs on the loop
};

// A few threads of its own, so that slow names hold up nothing else. They are started when they
// are needed and never waited for: a look-up cannot be ended from outside. Thread-safe; outlived by
// the loops.
class Resolver {
 public:
  static constexpr std::size_t kThreads = 4, kMaxWaiting = 1024;

  Resolver() = default;
  // What is still being looked up is lost from here on.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // False where too many wait already.
  bool start(const std::shared_ptr<Lookup>& lookup);

 private:
  struct Waiting {
    std::string name;
    std::weak_ptr<Lookup> lookup;
  };
  struct Shared {
    std::mutex mutex;
    std::condition_variable work;
    std::deque<Waiting> waiting;
    std::size_t threads = 0, idle = 0;
    bool closed = false;
  };
  static void run(const std::shared_ptr<Shared>& shared);
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace unbolt::wasi
