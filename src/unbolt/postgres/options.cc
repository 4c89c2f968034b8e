#include "unbolt/postgres/options.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "unbolt/contracts/text.h"

namespace unbolt::postgres {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// HOST[:PORT], or several with ',' between them.
bool is_hosts(std::string_view text) {
  if (text.contains('@')) return false;
  while (true) {
    std::string_view one = text.substr(0, text.find(','));
    std::size_t colon =
        one.find(':', one.starts_with('[') ? std::min(one.find(']'), one.size()) : 0);
    if (colon != one.npos && !std::ranges::all_of(one.substr(colon + 1), is_digit)) return false;
    if (one.size() == text.size()) return true;
    text.remove_prefix(one.size() + 1);
  }
}

// A password with a '/', a '?' or an '@' as it is ends there for all who read the URL, and what is
// left of it looks like a host, a database or an option: no message may show any of these.
bool is_torn(const contracts::ProviderUrl& url) {
  const std::string_view rest = std::string_view(url.rest).substr(2);
  const std::size_t slash = rest.find('/');
  std::string_view hosts = rest.substr(0, slash);
  if (std::size_t at = hosts.find('@'); at != hosts.npos) hosts.remove_prefix(at + 1);
  return !is_hosts(hosts) || (slash != rest.npos && rest.substr(slash).contains('@')) ||
         std::ranges::any_of(url.query, [](const auto& one) { return one.first.contains('@'); });
}

// `libpq` reads the options again.
std::string encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (is_letter(c) || is_digit(c) || c == '-' || c == '.') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

Result<ServerOptions> ServerOptions::of(const contracts::ProviderUrl& url,
                                        std::chrono::milliseconds otherwise,
                                        std::initializer_list<std::string_view> others) {
  ServerOptions options;
  if (!url.rest.starts_with("//")) {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}' names no server", url.shown()),
                                 "write postgres://USER:PASSWORD@HOST/DATABASE"});
  }
  if (is_torn(url)) {
    return std::unexpected(
        Error{ErrorCode::InvalidArgument,
              fmt::format("the server and the database of a URL {}: cannot be read", url.scheme),
              "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with / ? @ and % in a password "
              "as %2F %3F %40 and %25"});
  }
  UNBOLT_ASSIGN(std::uint64_t timeout,
                url.milliseconds_option("timeout", static_cast<std::uint64_t>(otherwise.count())));
  options.timeout = std::chrono::milliseconds(std::clamp<std::uint64_t>(timeout, 10, 3'600'000));
  if (auto found = url.query.find("connections"); found != url.query.end()) {
    const std::string& text = found->second;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), options.connections);
    if (error != std::errc() || end != text.data() + text.size() || options.connections < 1 ||
        options.connections > 64) {
      return fail(ErrorCode::InvalidArgument, "'{}': connections is a number from 1 to 64",
                  url.shown());
    }
  }
  options.uri = "postgresql:" + url.rest;
  char separator = '?';
  for (const auto& [name, value] : url.query) {
    if (name == "timeout" || name == "connections" ||
        std::ranges::find(others, name) != others.end())
      continue;
    options.uri.append(1, separator).append(encoded(name)).append("=").append(encoded(value));
    separator = '&';
  }
  std::string_view server = std::string_view(url.rest).substr(2);
  server = server.substr(0, server.find('/'));
  if (std::size_t at = server.rfind('@'); at != server.npos) server.remove_prefix(at + 1);
  options.shown = server.empty() ? "the PostgreSQL server"
                                 : "the PostgreSQL server " + contracts::printable(server, 200);
  return options;
}

}  // namespace unbolt::postgres
