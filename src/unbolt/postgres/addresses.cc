#include "unbolt/postgres/addresses.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>

#include <memory>
#include <string_view>
#include <vector>

#include "unbolt/contracts/text.h"
#include "unbolt/postgres/library.h"

namespace unbolt::postgres {
namespace {

using boost::system::error_code;

// Of one name.
constexpr int kMostAddresses = 16;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

// As the URI has them.
Addresses written(const std::string& uri) {
  struct Free {
    void operator()(PQconninfoOption* options) const { pq().PQconninfoFree(options); }
  };
  Addresses found;
  std::unique_ptr<PQconninfoOption, Free> options(pq().PQconninfoParse(uri.c_str(), nullptr));
  for (auto* one = options.get(); one && one->keyword; ++one) {
    if (!one->val) continue;
    const std::string_view name = one->keyword;
    if (name == "host") found.host = one->val;
    if (name == "hostaddr") found.hostaddr = one->val;
    if (name == "port") found.port = one->val;
  }
  return found;
}

void append(std::string& list, std::string_view item, bool first) {
  if (!first) list += ',';
  list += item;
}

}  // namespace

Task<Result<Addresses>> find_addresses(std::string uri, std::string shown) {
  const Addresses asked = written(uri);
  if (!asked.hostaddr.empty() || asked.host.empty()) co_return Addresses();
  const auto hosts = split(asked.host), ports = split(asked.port);
  Addresses found;
  bool first = true;
  auto add = [&](std::size_t i, std::string_view address) {
    append(found.host, hosts[i], first);
    append(found.hostaddr, address, first);
    append(found.port, ports.size() == 1 ? ports[0] : ports[i], first);
    first = false;
  };
  // libpq says what is wrong with these.
  if (ports.size() != 1 && ports.size() != hosts.size()) co_return Addresses();
  std::string failed;
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(co_await asio::this_coro::executor);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const std::string& host = hosts[i];
    if (host.empty() || host[0] == '/' || host[0] == '@') {
      add(i, "");
      continue;
    }
    error_code error;
    auto answer = co_await resolver.async_resolve(host, "", asio::redirect_error(use_task, error));
    if (error) {
      failed =
          fmt::format("'{}' has no address: {}", contracts::printable(host, 100), error.message());
      continue;
    }
    int count = 0;
    for (const auto& entry : answer) {
      if (count++ < kMostAddresses) add(i, entry.endpoint().address().to_string());
    }
  }
  if (first) {
    co_return std::unexpected(Error{ErrorCode::Unavailable,
                                    fmt::format("no connection to {}: {}", shown, failed),
                                    "is the name right, and known to this host?"});
  }
  co_return found;
}

}  // namespace unbolt::postgres
