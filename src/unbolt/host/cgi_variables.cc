#include "unbolt/host/cgi_variables.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "unbolt/component/strings.h"
#include "unbolt/http/text.h"

namespace unbolt::host {
namespace {

// Environments are text; what a client sent need not be.
std::string text(std::string_view bytes) { return component::to_valid_utf8(bytes); }

// "HTTP_ACCEPT_LANGUAGE"; nullopt for a field that has no variable.
std::optional<std::string> variable_of(std::string_view field) {
  for (const std::string_view none : {"content-length", "content-type", "proxy"}) {
    if (http::equals_ignoring_case(field, none)) return std::nullopt;
  }
  if (http::is_connection_field(field) || field.contains('_')) return std::nullopt;
  std::string name = "HTTP_";
  for (const char c : field) {
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

std::string address_of(const asio::ip::tcp::endpoint& peer) {
  const auto address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

struct Authority {
  std::string_view host, port;
};
Authority split(std::string_view authority) {
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos)
    return {authority, {}};
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

}  // namespace

Result<CgiVariables> cgi_variables(const http::Request& request, const contracts::Grants& granted) {
  const http::RequestHead& head = request.head;
  const std::string_view target = head.target;
  const auto question = target.find('?');
  const std::string_view raw_path = target.substr(0, question);
  const std::string_view query =
      question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
  const auto path = http::percent_decoded(raw_path);
  if (!path) return fail(ErrorCode::InvalidArgument, "the path has an escape that is none");
  const auto [host, port] = split(head.authority);
  const std::string remote = address_of(request.remote);

  std::map<std::string, std::string> all(granted.env.begin(), granted.env.end());
  const auto set = [&](std::string name, std::string value) {
    all.try_emplace(std::move(name), std::move(value));
  };
  set("GATEWAY_INTERFACE", "CGI/1.1");
  set("SERVER_SOFTWARE", "unbolt");
  set("SERVER_PROTOCOL", request.http_1_0 ? "HTTP/1.0" : "HTTP/1.1");
  set("SERVER_NAME", text(host));
  set("SERVER_PORT", std::string(!port.empty() ? port : head.scheme == "https" ? "443" : "80"));
  set("REQUEST_METHOD", head.method);
  set("SCRIPT_NAME", "");
  set("PATH_INFO", text(*path));
  set("QUERY_STRING", text(query));
  set("REMOTE_ADDR", remote);
  set("REMOTE_HOST", remote);
  if (head.scheme == "https") set("HTTPS", "on");
  set("X_MATCHED_ROUTE", "/...");
  set("X_RAW_PATH_INFO", text(raw_path));
  set("X_FULL_URL", text(head.scheme + "://" + head.authority + head.target));

  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : head.fields) {
    if (http::equals_ignoring_case(name, "content-type")) {
      set("CONTENT_TYPE", text(value));
    } else if (http::equals_ignoring_case(name, "content-length")) {
      set("CONTENT_LENGTH", text(value));
    } else if (auto variable = variable_of(name)) {
      const std::string_view between = *variable == "HTTP_COOKIE" ? "; " : ", ";
      auto [at, fresh] = fields.try_emplace(std::move(*variable), value);
      if (!fresh) at->second.append(between).append(value);
    }
  }
  for (auto& [name, value] : fields) set(name, text(value));

  CgiVariables out;
  out.environment.assign(std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()));
  for (std::size_t at = 0; at < query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    if (end > at) out.words.push_back(text(query.substr(at, end - at)));
    at = end + 1;
  }
  return out;
}

}  // namespace unbolt::host
