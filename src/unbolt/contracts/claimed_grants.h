// All that a component's signed claims grant it, as it is enforced: what docs/grants.md says, in
// code. Who binds functions asks for calls (claims_guard.h), who sets up a component for the rest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/contracts/claimed_grant.h"
#include "unbolt/contracts/grants.h"
#include "unbolt/contracts/guarded_calls.h"
#include "unbolt/contracts/provider_url.h"

namespace unbolt::contracts {

// Immutable; shared by all threads.
class ClaimedGrants {
 public:
  explicit ClaimedGrants(std::vector<ClaimedGrant> grants);
  // As they were signed. One that is not understood grants nothing.
  static ClaimedGrants of(const std::vector<std::string>& texts);

  const std::vector<ClaimedGrant>& all() const { return grants_; }

  // Whether a call may be made that is about this; nothing: about no one thing, or about all.
  bool allows(const CallName& call, std::optional<std::string_view> about) const;
  // What that comes to when the component is linked, where calls are about something.
  enum class Verdict : std::uint8_t { Refused, ByArgument, Granted };
  Verdict verdict(const CallName& call) const;

  // What is left of what the operator grants: hosts, folders, addresses, variables.
  Grants within(Grants operators) const;
  // Denied where a link to a database leads to a role that is not granted. One without roles
  // (sqlite:) has none to refuse.
  Result<> check_role(std::string_view contract, const ProviderUrl& url) const;
  // Interfaces among those imported of which nothing is granted, and that need a grant.
  std::vector<std::string> not_granted(const std::vector<std::string>& imports) const;
  // What is granted of a contract, for messages: "bucket sessions-*"; "" for nothing.
  std::string granted_of(std::string_view package) const;

 private:
  enum class Arguments : std::uint8_t { Matched, Ignored, Absent };
  bool covers(const CallName& call, std::optional<std::string_view> about,
              Arguments arguments) const;
  bool any_of(std::string_view package) const;

  std::vector<ClaimedGrant> grants_;
};

// Whether a name is covered by a pattern of a grant, of a kind whose patterns are names or topics.
bool claim_matches(std::string_view kind, std::string_view pattern, std::string_view name);

}  // namespace unbolt::contracts
