#include "unbolt/cli/seal_text.h"

#include <algorithm>
#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "unbolt/claims/file_digest.h"
#include "unbolt/cli/component_file.h"
#include "unbolt/contracts/claimed_grant.h"
#include "unbolt/contracts/text.h"

namespace unbolt::cli {
namespace {

using contracts::ClaimedGrant;
using nlohmann::ordered_json;

std::string shown(std::string_view text) { return contracts::printable(text, 200); }

std::string date(claims::Seconds seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string validity(const claims::TokenClaims& claims) {
  std::string text = "signed " + date(claims.issued_at);
  if (claims.not_before) text += ", valid from " + date(*claims.not_before);
  return text + (claims.expires ? ", expires " + date(*claims.expires) : ", never expires");
}

std::string grants_in_words(const claims::Verification& seen) {
  if (!seen.grants) return "grants: not said: it was signed by a tool that knows of none\n";
  if (seen.grants->empty()) return "grants: none: it may compute, and nothing else\n";
  std::string text = "grants\n";
  for (const auto& grant : *seen.grants) {
    const auto read = ClaimedGrant::parse(grant);
    text += read ? "    " + read->words() + "\n"
                 : "    " + shown(grant) + ": not understood, so it grants nothing\n";
  }
  return text;
}

void put_times(ordered_json& out, const claims::TokenClaims& claims) {
  out["issuedAt"] = claims.issued_at;
  if (claims.not_before) out["notBefore"] = *claims.not_before;
  if (claims.expires) out["expires"] = *claims.expires;
}

}  // namespace

std::string describe(const claims::Verification& seen) {
  if (!seen.claims || seen.state == claims::SealState::Broken) return {};
  const auto& claims = *seen.claims;
  std::string text;
  if (claims.name) text += "name: " + shown(*claims.name);
  if (claims.version) text += " " + shown(*claims.version);
  if (claims.revision) text += fmt::format(" (revision {})", *claims.revision);
  if (!text.empty()) text += "\n";
  for (const auto& tag : claims.tags)
    text += (&tag == &claims.tags.front() ? "tags: " : ", ") + shown(tag);
  if (!claims.tags.empty()) text += "\n";
  text += fmt::format("subject: {}\nissuer: {}\n", claims.subject.text(), claims.issuer.text());
  if (seen.account) {
    text += fmt::format("operator: {} vouches for the account{}\n", seen.account->issuer.text(),
                        seen.account->name ? " '" + shown(*seen.account->name) + "'" : "");
  }
  text += "validity: " + validity(claims) + "\n";
  return text + grants_in_words(seen);
}

ordered_json seal_json(const claims::Verification& seen) {
  ordered_json out{{"state", claims::to_string(seen.state)}};
  if (!seen.problem.empty()) out["problem"] = seen.problem;
  if (!seen.claims || seen.state == claims::SealState::Broken) return out;
  const auto& claims = *seen.claims;
  out["issuer"] = claims.issuer.text();
  out["subject"] = claims.subject.text();
  if (claims.name) out["name"] = *claims.name;
  if (claims.version) out["version"] = *claims.version;
  if (claims.revision) out["revision"] = *claims.revision;
  out["tags"] = claims.tags;
  put_times(out, claims);
  if (seen.account) {
    out["account"] = {{"operator", seen.account->issuer.text()}};
    if (seen.account->name) out["account"]["name"] = *seen.account->name;
    put_times(out["account"], *seen.account);
  }
  if (seen.grants) out["grants"] = *seen.grants;
  return out;
}

std::string digest_of(ByteView file) { return "sha256:" + claims::hex(claims::sha256_of(file)); }

Result<std::vector<std::string>> claimed_grants(const SignOptions& options) {
  std::vector<ClaimedGrant> grants;
  for (const auto& text : options.grants) {
    UNBOLT_ASSIGN(auto grant, ClaimedGrant::parse(text));
    grants.push_back(std::move(grant));
  }
  if (options.grant_imports) {
    UNBOLT_ASSIGN(const auto file, open_component(options.file));
    std::vector<std::string> imports;
    for (const auto& import : file->plan().imports) imports.push_back(import.name);
    for (auto& grant : contracts::grants_of_imports(imports, grants))
      grants.push_back(std::move(grant));
  }
  std::vector<std::string> texts;
  for (const auto& grant : grants) texts.push_back(grant.text());
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

}  // namespace unbolt::cli
