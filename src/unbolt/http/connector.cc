#include "unbolt/http/connector.h"

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/redirect_error.hpp>

#include <vector>

#include "unbolt/http/text.h"
#include "unbolt/http/tls.h"

namespace unbolt::http {
namespace {

using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

Task<Result<Endpoints>> resolve(Executor loop, const Origin& origin) {
  boost::system::error_code error;
  auto address = asio::ip::make_address(origin.host, error);
  if (!error) co_return Endpoints{tcp::endpoint(address, origin.port)};
  asio::ip::basic_resolver<tcp, Executor> resolver(loop);
  auto found = co_await resolver.async_resolve(origin.host, std::to_string(origin.port),
                                               tcp::resolver::numeric_service,
                                               asio::redirect_error(use_task, error));
  if (error == asio::error::host_not_found_try_again) {
    co_return fail(ErrorCode::Unavailable, "the name '{}' cannot be resolved now: {}", origin.host,
                   error.message());
  }
  if (error)
    co_return fail(ErrorCode::NotFound, "the name '{}' does not resolve: {}", origin.host,
                   error.message());
  Endpoints endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

Task<Result<Socket>> reach(Executor loop, const Origin& origin, const Endpoints& endpoints) {
  boost::system::error_code error = asio::error::host_not_found;
  for (const tcp::endpoint& endpoint : endpoints) {
    Socket socket(loop);
    co_await socket.async_connect(endpoint, asio::redirect_error(use_task, error));
    if (!error) co_return std::move(socket);
    if (error == asio::error::operation_aborted) break;
  }
  co_return fail(error == asio::error::timed_out ? ErrorCode::Timeout : ErrorCode::Unavailable,
                 "cannot connect to '{}' port {}: {}", origin.host, origin.port, error.message());
}

}  // namespace

Result<Origin> parse_origin(const RequestHead& head) {
  Origin origin;
  origin.tls = equals_ignoring_case(head.scheme, "https");
  if (!origin.tls && !equals_ignoring_case(head.scheme, "http")) {
    return fail(ErrorCode::InvalidArgument, "the scheme '{}' is neither http nor https",
                head.scheme);
  }
  std::string_view authority = head.authority;
  if (authority.empty() || !is_authority(authority)) {
    return fail(ErrorCode::InvalidArgument, "'{}' is not a host with a port", authority);
  }
  origin.port = origin.tls ? 443 : 80;
  std::size_t bracket = authority.find(']');
  std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (colon != std::string_view::npos && colon + 1 < authority.size()) {
    origin.port = static_cast<std::uint16_t>(*parse_decimal(authority.substr(colon + 1)));
  }
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return fail(ErrorCode::InvalidArgument, "'{}' names no host", authority);
  origin.host = host;
  for (char& c : origin.host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return origin;
}

Task<Result<std::unique_ptr<Transport>>> connect(Executor loop, Origin origin,
                                                 asio::ssl::context* tls) {
  auto endpoints = co_await resolve(loop, origin);
  if (!endpoints) co_return std::unexpected(std::move(endpoints).error());
  auto socket = co_await reach(loop, origin, *endpoints);
  if (!socket) co_return std::unexpected(std::move(socket).error());
  if (tls) co_return co_await start_tls(std::move(*socket), *tls, origin.host);
  co_return make_tcp_transport(std::move(*socket));
}

}  // namespace unbolt::http
