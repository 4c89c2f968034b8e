// One thing that a component's signed claims say it may do; docs/grants.md has the grammar. Only
// read and written here: who enforces it asks for its parts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"

namespace unbolt::contracts {

// CONTRACT[{FUNCTION,…}] [access=read|write] [KIND=PATTERN,…]…, as in
// `wasi:keyvalue/store{get,list-keys} bucket=sessions-*`.
struct ClaimedGrant {
  enum class Access : std::uint8_t { All, Read, Write };

  std::string contract;                // NAMESPACE:PACKAGE[/INTERFACE], of any version
  std::vector<std::string> functions;  // sorted; none: all of them
  Access access = Access::All;         // of those that read or write; All with functions
  // What the call is about, by kind: bucket, host, topic, dir, …; none of a kind: any. Sorted, each
  // in one spelling.
  std::map<std::string, std::vector<std::string>, std::less<>> arguments;

  // InvalidArgument says what is wrong, and what would be right. Bounded: 1 KiB of text.
  static Result<ClaimedGrant> parse(std::string_view text);
  // The one spelling: parse(text()) is this again.
  std::string text() const;
  // For people: `get, list-keys of wasi:keyvalue/store; bucket sessions-*`.
  std::string words() const;

  bool operator==(const ClaimedGrant&) const = default;
};

// Of the interfaces that a component imports (with or without versions): one grant each, of all
// they have. Left out are wasi:io, wasi:clocks and wasi:random, which need none, and every contract
// that one of `narrower` is about.
std::vector<ClaimedGrant> grants_of_imports(const std::vector<std::string>& imports,
                                            const std::vector<ClaimedGrant>& narrower);

}  // namespace unbolt::contracts
