#include "unbolt/contracts/claimed_grants.h"

#include <algorithm>
#include <array>
#include <memory>

#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/server_address.h"
#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

using Effect = GuardedCall::Effect;
using About = GuardedCall::About;

constexpr unsigned kReads = 1, kWrites = 2, kBoth = 3;

std::string_view package_of(std::string_view contract) {
  return contract.substr(0, contract.find('/'));
}

int digit(char c) { return c <= '9' ? c - '0' : c - 'A' + 10; }

// As `ClaimedGrant` spells it, back.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i > 2) {
      out += static_cast<char>(digit(text[i + 1]) << 4 | digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Of kinds that bound what the operator grants, and not single calls.
bool is_bound(std::string_view kind) {
  constexpr std::array<std::string_view, 6> kBounds{"host", "connect", "listen",
                                                    "dir",  "env",     "role"};
  return std::ranges::find(kBounds, kind) != kBounds.end();
}

// Patterns of one kind; null: anything.
const std::vector<std::string>* patterns_of(const ClaimedGrant& grant, std::string_view kind) {
  const auto found = grant.arguments.find(kind);
  return found == grant.arguments.end() ? nullptr : &found->second;
}

bool names_call(const ClaimedGrant& grant, const CallName& call) {
  if (grant.contract != call.interface && grant.contract != call.package) return false;
  if (grant.functions.empty()) return true;
  return std::ranges::any_of(grant.functions, [&](const std::string& name) {
    const auto dot = name.find('.');
    if (dot == std::string::npos) return name == call.function;
    return name.substr(0, dot) == call.resource && name.substr(dot + 1) == call.function;
  });
}

// Whether a granted folder and one of the operator's have something in common: that, else nothing.
std::optional<DirectoryGrant> common(const DirectoryGrant& folder, std::string_view granted) {
  const auto lies_in = [](std::string_view inner, std::string_view outer) {
    return inner == outer || outer == "/" ||
           (inner.starts_with(outer) && inner.substr(outer.size()).starts_with('/'));
  };
  if (lies_in(folder.guest, granted)) return folder;
  if (!lies_in(granted, folder.guest)) return std::nullopt;
  DirectoryGrant narrower = folder;
  const std::string_view rest = folder.guest == "/" ? granted : granted.substr(folder.guest.size());
  narrower.host += rest;
  narrower.guest = granted;
  return narrower;
}

}  // namespace

bool claim_matches(std::string_view kind, std::string_view pattern, std::string_view name) {
  if (kind == "topic") return subject_matches(pattern, name);
  if (!pattern.ends_with('*')) return unescaped(pattern) == name;
  pattern.remove_suffix(1);
  return name.starts_with(unescaped(pattern));
}

ClaimedGrants::ClaimedGrants(std::vector<ClaimedGrant> grants) : grants_(std::move(grants)) {}

ClaimedGrants ClaimedGrants::of(const std::vector<std::string>& texts) {
  std::vector<ClaimedGrant> grants;
  for (const auto& text : texts) {
    if (auto grant = ClaimedGrant::parse(text)) grants.push_back(std::move(*grant));
  }
  return ClaimedGrants(std::move(grants));
}

bool ClaimedGrants::any_of(std::string_view package) const {
  return std::ranges::any_of(
      grants_, [&](const ClaimedGrant& grant) { return package_of(grant.contract) == package; });
}

bool ClaimedGrants::covers(const CallName& call, std::optional<std::string_view> about,
                           Arguments arguments) const {
  if (needs_no_grant(call.package) || call.package == "wasi:cli") return true;
  if (answers_for_itself(call.package) && !any_of(call.package)) return true;
  if (is_plumbing(call) && std::ranges::none_of(grants_, [&](const ClaimedGrant& grant) {
        return grant.contract == call.interface;
      }))
    return true;
  const GuardedCall* known = find_guarded(call);
  unsigned needed = kBoth;
  if (known) {
    switch (known->effect) {
      case Effect::Open: needed = 0; break;
      case Effect::Read: needed = kReads; break;
      case Effect::Write: needed = kWrites; break;
      case Effect::ReadAndWrite: needed = kBoth; break;
    }
  }
  // What a grant says of this call's kind of thing.
  const auto matches = [&](const ClaimedGrant& grant) {
    for (const auto& [kind, patterns] : grant.arguments) {
      if (is_bound(kind)) continue;
      if (known && known->kind.empty()) continue;  // of a thing that was opened before
      if (arguments == Arguments::Ignored) continue;
      if (arguments == Arguments::Absent || !about || !known || known->kind != kind) return false;
      if (std::ranges::none_of(patterns, [&](const std::string& pattern) {
            return claim_matches(kind, pattern, *about);
          }))
        return false;
    }
    return true;
  };
  unsigned provided = 0;
  bool any = false;
  for (const ClaimedGrant& grant : grants_) {
    // To open is part of whatever is granted of the contract.
    if (needed == 0 ? package_of(grant.contract) != call.package : !names_call(grant, call))
      continue;
    if (grant.access != ClaimedGrant::Access::All && !known) continue;
    if (!matches(grant)) continue;
    any = true;
    provided |= grant.access == ClaimedGrant::Access::Read    ? kReads
                : grant.access == ClaimedGrant::Access::Write ? kWrites
                                                              : kBoth;
  }
  return any && (provided & needed) == needed;
}

bool ClaimedGrants::allows(const CallName& call, std::optional<std::string_view> about) const {
  return covers(call, about, Arguments::Matched);
}

ClaimedGrants::Verdict ClaimedGrants::verdict(const CallName& call) const {
  if (covers(call, std::nullopt, Arguments::Absent)) return Verdict::Granted;
  const GuardedCall* known = find_guarded(call);
  if (!known || known->about == About::All) return Verdict::Refused;
  return covers(call, std::nullopt, Arguments::Ignored) ? Verdict::ByArgument : Verdict::Refused;
}

Grants ClaimedGrants::within(Grants operators) const {
  Grants out = std::move(operators);
  bool any_host = false, any_variable = false, any_folder = false, any_address = false;
  std::vector<HostPattern> hosts;
  auto network = std::make_shared<NetworkGrants>();
  std::map<std::string, std::string> variables;
  std::vector<DirectoryGrant> folders;
  bool network_bound = true;
  for (const ClaimedGrant& grant : grants_) {
    const std::string_view contract = grant.contract;
    if (contract == "wasi:http" || contract == "wasi:http/outgoing-handler") {
      const auto* patterns = patterns_of(grant, "host");
      any_host |= !patterns;
      for (const auto& text : patterns ? *patterns : std::vector<std::string>{}) {
        if (auto pattern = HostPattern::parse(text)) hosts.push_back(std::move(*pattern));
      }
    } else if (package_of(contract) == "wasi:sockets") {
      any_address = true;
      const auto *connect = patterns_of(grant, "connect"), *listen = patterns_of(grant, "listen");
      if (!connect && !listen) network_bound = false;
      for (const auto& text : connect ? *connect : std::vector<std::string>{}) {
        if (auto pattern = ConnectPattern::parse(text))
          network->connect.push_back(std::move(*pattern));
      }
      for (const auto& text : listen ? *listen : std::vector<std::string>{}) {
        if (auto pattern = ListenPattern::parse(text))
          network->listen.push_back(std::move(*pattern));
      }
    } else if (contract == "wasi:cli" || contract == "wasi:cli/environment") {
      const auto* patterns = patterns_of(grant, "env");
      any_variable |= !patterns;
      for (const auto& [name, value] : out.env) {
        if (patterns && std::ranges::any_of(*patterns, [&](const std::string& pattern) {
              return claim_matches("env", pattern, name);
            }))
          variables.emplace(name, value);
      }
    } else if (package_of(contract) == "wasi:filesystem") {
      const auto* patterns = patterns_of(grant, "dir");
      any_folder = true;
      const std::vector<std::string> everything{"/"};
      for (const auto& folder : out.directories) {
        for (const auto& text : patterns ? *patterns : everything) {
          // A folder that the component sees by a relative name lies in no other.
          auto found = !patterns ? std::optional(folder) : common(folder, unescaped(text));
          if (!found) continue;
          found->read_only |= grant.access == ClaimedGrant::Access::Read;
          const auto same = std::ranges::find_if(folders, [&](const DirectoryGrant& other) {
            return other.guest == found->guest && other.host == found->host;
          });
          if (same == folders.end())
            folders.push_back(std::move(*found));
          else
            same->read_only &= found->read_only;
        }
      }
    }
  }
  if (!any_host) out.claimed_hosts = std::move(hosts);
  if (!any_variable) out.env = std::move(variables);
  out.directories = any_folder ? std::move(folders) : std::vector<DirectoryGrant>{};
  if (!any_address || network_bound) out.network.claimed = std::move(network);
  return out;
}

Result<> ClaimedGrants::check_role(std::string_view contract, const ProviderUrl& url) const {
  if (contract != "wasi:sql" && contract != "wasmcloud:postgres") return {};
  if (url.scheme == "sqlite") return {};
  // One that cannot be read is the provider's to refuse.
  const auto server = parse_server_address(url, 1, "postgres://USER@HOST/DATABASE");
  const std::string user = server ? server->user : "";
  bool any = false;
  for (const ClaimedGrant& grant : grants_) {
    if (package_of(grant.contract) != contract) continue;
    const auto* patterns = patterns_of(grant, "role");
    if (!patterns || std::ranges::any_of(*patterns, [&](const std::string& pattern) {
          return claim_matches("role", pattern, user);
        }))
      return {};
    any = true;
  }
  // Without any grant, its calls are refused one by one.
  if (!any) return {};
  return std::unexpected(
      Error{ErrorCode::Denied,
            fmt::format("its claims grant {}, and the role here is '{}'", granted_of(contract),
                        printable(user, 60)),
            "link it as a role that is granted, or have it signed with role=NAME"});
}

std::vector<std::string> ClaimedGrants::not_granted(const std::vector<std::string>& imports) const {
  std::vector<std::string> missing;
  for (const auto& import : imports) {
    const CallName call = call_name(import, "");
    if (needs_no_grant(call.package) || is_plumbing(call) || call.package == "wasi:cli") continue;
    const bool given = std::ranges::any_of(grants_, [&](const ClaimedGrant& grant) {
      return grant.contract == call.package || grant.contract == call.interface;
    });
    if (!given) missing.push_back(import);
  }
  return missing;
}

std::string ClaimedGrants::granted_of(std::string_view package) const {
  std::string out;
  for (const ClaimedGrant& grant : grants_) {
    if (package_of(grant.contract) == package)
      out += (out.empty() ? "'" : ", '") + grant.text() + "'";
  }
  return out.empty() ? fmt::format("nothing of {}", package) : out;
}

}  // namespace unbolt::contracts
