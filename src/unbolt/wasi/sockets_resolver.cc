#include "unbolt/wasi/sockets_resolver.h"

#include <dlfcn.h>
#include <netdb.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>

namespace unbolt::wasi {
namespace {

constexpr std::size_t kLongestName = 253, kLongestLabel = 63;
// In UTF-8, before it is converted.
constexpr std::size_t kLongestText = 4 * kLongestName;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

// The system's IDNA, as its own resolver loads it: most programs never meet such a name.
class Idna {
 public:
  static const Idna& get() {
    static const Idna idna;
    return idna;
  }
  SocketResult<std::string> to_ascii(const std::string& name) const {
    if (!lookup_) return refuse(SocketError::NotSupported);
    char* out = nullptr;
    constexpr int normalize = 1, nontransitional = 8;  // IDN2_NFC_INPUT, IDN2_NONTRANSITIONAL
    if (lookup_(name.c_str(), &out, normalize | nontransitional) != 0)
      return refuse(SocketError::InvalidArgument);
    std::string ascii(out);
    free_(out);
    return ascii;
  }

 private:
  Idna() {
    void* library = ::dlopen("libidn2.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    free_ = reinterpret_cast<void (*)(void*)>(::dlsym(library, "idn2_free"));
    if (free_) {
      lookup_ =
          reinterpret_cast<int (*)(const char*, char**, int)>(::dlsym(library, "idn2_lookup_u8"));
    }
  }
  int (*lookup_)(const char*, char**, int) = nullptr;
  void (*free_)(void*) = nullptr;
};

bool is_valid(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  for (std::size_t from = 0; from <= name.size();) {
    const auto dot = std::min(name.find('.', from), name.size());
    const auto label = name.substr(from, dot - from);
    const auto belongs = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
    if (label.empty() || label.size() > kLongestLabel ||
        !std::all_of(label.begin(), label.end(), belongs))
      return false;
    from = dot + 1;
  }
  // What ends in a number is an address or a slip: 127.1 and 0x7f000001 are notations that only
  // the system's resolver would take for one.
  const auto last = name.substr(name.rfind('.') + 1);
  const bool hexadecimal = last.size() >= 2 && last[0] == '0' && last[1] == 'x';
  return !hexadecimal &&
         !std::all_of(last.begin(), last.end(), [](unsigned char c) { return std::isdigit(c); });
}

SocketError to_error(int code) {
  switch (code) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY: return SocketError::NameUnresolvable;
    case EAI_AGAIN: return SocketError::TemporaryResolverFailure;
    case EAI_FAIL: return SocketError::PermanentResolverFailure;
    case EAI_MEMORY: return SocketError::OutOfMemory;
    case EAI_SYSTEM: return SocketError::TemporaryResolverFailure;
    default: return SocketError::Unknown;
  }
}

// Blocks.
Addresses look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(name.c_str(), nullptr, &hints, &list); code != 0)
    return refuse(to_error(code));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, ::freeaddrinfo);
  std::vector<asio::ip::address> addresses;
  for (const addrinfo* at = list; at; at = at->ai_next) {
    Endpoint endpoint;
    if (at->ai_addrlen > Endpoint::capacity()) continue;
    std::memcpy(endpoint.data(), at->ai_addr, at->ai_addrlen);
    auto ip = endpoint.ip();
    if (ip.is_v6()) {
      const auto v6 = ip.to_v6();
      if (v6.is_v4_mapped()) ip = asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
    }
    if (std::find(addresses.begin(), addresses.end(), ip) == addresses.end())
      addresses.push_back(ip);
  }
  if (addresses.empty()) return refuse(SocketError::NameUnresolvable);
  return addresses;
}

}  // namespace

SocketResult<std::variant<asio::ip::address, std::string>> parse_host(std::string_view text) {
  if (text.empty() || text.size() > kLongestText || text.contains('\0'))
    return refuse(SocketError::InvalidArgument);
  const bool bracketed = text.starts_with('[') && text.ends_with(']');
  const auto bare = bracketed ? text.substr(1, text.size() - 2) : text;
  boost::system::error_code error;
  auto address = asio::ip::make_address(std::string(bare), error);
  if (!error && !bare.contains('%') && address.is_v6() >= bracketed) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
      address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address;
  }
  std::string name(text);
  if (!is_ascii(name)) {
    auto ascii = Idna::get().to_ascii(name);
    if (!ascii) return refuse(ascii.error());
    name = std::move(*ascii);
  }
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (name.ends_with('.')) name.pop_back();
  if (!is_valid(name)) return refuse(SocketError::InvalidArgument);
  return name;
}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->closed = true;
  shared_->waiting.clear();
  shared_->work.notify_all();
}

bool Resolver::start(const std::shared_ptr<Lookup>& lookup) {
  const std::lock_guard lock(shared_->mutex);
  auto& waiting = shared_->waiting;
  if (waiting.size() >= kMaxWaiting)
    std::erase_if(waiting, [](const auto& other) { return other.lookup.expired(); });
  if (waiting.size() >= kMaxWaiting) return false;
  if (shared_->idle <= waiting.size() && shared_->threads < kThreads) {
    try {
      std::thread([shared = shared_] { run(shared); }).detach();
      ++shared_->threads;
    } catch (const std::system_error&) {  // no more threads to be had: those that are there do it
      if (shared_->threads == 0) return false;
    }
  }
  waiting.push_back({lookup->name, lookup});
  shared_->work.notify_one();
  return true;
}

void Resolver::run(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    ++shared->idle;
    shared->work.wait(lock, [&] { return shared->closed || !shared->waiting.empty(); });
    --shared->idle;
    if (shared->closed) return;
    const Waiting next = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    if (next.lookup.expired()) continue;
    lock.unlock();
    auto addresses = look_up(next.name);
    lock.lock();
    // The loops are there for as long as this is not closed.
    if (shared->closed) return;
    if (auto lookup = next.lookup.lock()) {
      // The last share of it, should this become that, ends on its loop.
      const auto loop = lookup->loop;
      asio::post(loop, [lookup = std::move(lookup), addresses = std::move(addresses)]() mutable {
        if (lookup->done) lookup->done(std::move(addresses));
      });
    }
  }
}

}  // namespace unbolt::wasi
