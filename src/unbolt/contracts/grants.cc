#include "unbolt/contracts/grants.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace unbolt::contracts {
namespace {

struct Authority {
  std::string host;
  unsigned port = 0;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return out;
}

// False where the port is no number from 1 to 65535. An IPv6 address stands in brackets.
bool split(std::string_view text, Authority& out) {
  std::string_view host = text, port;
  if (const auto at = host.rfind('@'); at != std::string_view::npos)
    host = text = host.substr(at + 1);
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(0, end + 1);
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return false;
      port = text.substr(end + 2);
      if (port.empty()) return false;
    }
  } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return false;
  }
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port == 0 ||
        out.port > 65'535)
      return false;
  }
  out.host = lower(host);
  while (out.host.ends_with('.')) out.host.pop_back();
  return !out.host.empty();
}

Result<DirectoryGrant> parse_directory(std::string_view text) {
  DirectoryGrant grant;
  std::string_view rest = text;
  if (rest.ends_with(":ro")) {
    grant.read_only = true;
    rest.remove_suffix(3);
  }
  const auto between = rest.find("::");
  grant.host = rest.substr(0, between);
  grant.guest = between == std::string_view::npos ? rest : rest.substr(between + 2);
  if (grant.host.empty() || grant.guest.empty() || text.contains('\0')) {
    return fail(ErrorCode::InvalidArgument,
                "directory '{}': expected HOST::GUEST[:ro], a folder of this machine and where the "
                "component sees it",
                text);
  }
  return grant;
}

}  // namespace

Result<HostPattern> HostPattern::parse(std::string_view text) {
  HostPattern pattern;
  Authority parts;
  if (text.find("://") != std::string_view::npos || text.find('/') != std::string_view::npos) {
    return fail(ErrorCode::InvalidArgument,
                "host pattern '{}': give HOST[:PORT], without a scheme or a path", text);
  }
  if (!split(text, parts)) {
    return fail(ErrorCode::InvalidArgument,
                "host pattern '{}': expected HOST[:PORT], where HOST is a name, *.SUFFIX or *",
                text);
  }
  pattern.text_ = text;
  pattern.port_ = parts.port;
  pattern.host_ = parts.host;
  if (parts.host.starts_with("*.")) pattern.host_ = parts.host.substr(1);
  if (pattern.host_.find('*') != std::string::npos && pattern.host_ != "*") {
    return fail(ErrorCode::InvalidArgument,
                "host pattern '{}': * may stand alone or as the first label only", text);
  }
  return pattern;
}

bool HostPattern::matches(std::string_view authority, unsigned default_port) const {
  Authority asked;
  if (!split(authority, asked)) return false;
  if (port_ != 0 && port_ != (asked.port ? asked.port : default_port)) return false;
  if (host_ == "*") return true;
  if (host_.starts_with('.'))
    return asked.host.size() > host_.size() && asked.host.ends_with(host_);
  return asked.host == host_;
}

Result<> Grants::add(std::string_view grant) {
  const auto colon = grant.find(':');
  const auto kind = grant.substr(0, colon);
  const auto value = colon == std::string_view::npos ? std::string_view{} : grant.substr(colon + 1);
  if (kind == "host") {
    UNBOLT_ASSIGN(auto pattern, HostPattern::parse(value));
    hosts.push_back(std::move(pattern));
    return {};
  }
  if (kind == "env") {
    const auto equals = value.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fail(ErrorCode::InvalidArgument, "grant '{}': expected env:NAME=VALUE", grant);
    }
    env.insert_or_assign(std::string(value.substr(0, equals)),
                         std::string(value.substr(equals + 1)));
    return {};
  }
  if (kind == "dir") {
    UNBOLT_ASSIGN(auto directory, parse_directory(value));
    const bool twice = std::any_of(directories.begin(), directories.end(), [&](const auto& other) {
      return other.guest == directory.guest;
    });
    if (twice) {
      return fail(ErrorCode::InvalidArgument, "grant '{}': there is already a folder at '{}'",
                  grant, directory.guest);
    }
    directories.push_back(std::move(directory));
    return {};
  }
  if (kind == "connect") {
    UNBOLT_ASSIGN(auto pattern, ConnectPattern::parse(value));
    network.connect.push_back(std::move(pattern));
    return {};
  }
  if (kind == "listen") {
    UNBOLT_ASSIGN(auto pattern, ListenPattern::parse(value));
    network.listen.push_back(std::move(pattern));
    return {};
  }
  return fail(ErrorCode::InvalidArgument,
              "grant '{}': unknown kind '{}'; there are host:PATTERN, env:NAME=VALUE, "
              "dir:HOST::GUEST[:ro], connect:PATTERN and listen:PATTERN",
              grant, kind);
}

bool Grants::allows_host(std::string_view authority, unsigned default_port) const {
  const auto among = [&](const std::vector<HostPattern>& patterns) {
    return std::ranges::any_of(patterns, [&](const HostPattern& pattern) {
      return pattern.matches(authority, default_port);
    });
  };
  return among(hosts) && (!claimed_hosts || among(*claimed_hosts));
}

}  // namespace unbolt::contracts
