// What a component may do beyond computing. Nothing is granted by default; docs/grants.md has the
// grammar.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/contracts/network_grants.h"

namespace unbolt::contracts {

// `HOST[:PORT]`, where HOST is a name, `*.SUFFIX` (any name below it) or `*`; without a port, any
// port.
class HostPattern {
 public:
  static Result<HostPattern> parse(std::string_view text);
  // `authority` as in a URL; `default_port` where it names none.
  bool matches(std::string_view authority, unsigned default_port) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string host_;   // lower case; "*" any, ".suffix" any below
  unsigned port_ = 0;  // 0: any
};

// `HOST::GUEST[:ro]`: a folder of this machine, where the component sees it, and whether it may
// only read.
struct DirectoryGrant {
  std::string host, guest;
  bool read_only = false;
};

// A value; built once, then read by all threads.
struct Grants {
  std::map<std::string, std::string> env;
  std::vector<HostPattern> hosts;  // for outgoing HTTP
  // What signed claims leave of these; nothing: all.
  std::optional<std::vector<HostPattern>> claimed_hosts;
  std::vector<DirectoryGrant> directories;
  NetworkGrants network;

  // One grant, `KIND:VALUE`; InvalidArgument says what is wrong and what would be right.
  Result<> add(std::string_view grant);
  bool allows_host(std::string_view authority, unsigned default_port) const;
};

}  // namespace unbolt::contracts
