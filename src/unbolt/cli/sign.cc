#include "unbolt/cli/sign.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "unbolt/claims/admission.h"
#include "unbolt/claims/seal.h"
#include "unbolt/claims/verify.h"
#include "unbolt/cli/admission_options.h"
#include "unbolt/cli/component_file.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/seal_text.h"
#include "unbolt/cli/wit.h"
#include "unbolt/identity/key_store.h"

namespace unbolt::cli {
namespace {

using claims::ComponentClaims;
using identity::KeyKind;
using identity::KeyPair;
using identity::KeyStore;
using identity::PublicKey;

Result<> expect_kind(const PublicKey& key, KeyKind kind, std::string_view what) {
  if (key.kind() == kind) return {};
  return fail(ErrorCode::InvalidArgument, "{} must be a key of kind {}, and this one is of kind {}",
              what, to_string(kind), to_string(key.kind()));
}

Result<> set_times(claims::TokenClaims& claims, const std::string& not_before,
                   const std::string& expires) {
  if (!not_before.empty()) {
    UNBOLT_ASSIGN(claims.not_before, parse_time(not_before, claims.issued_at));
  }
  if (!expires.empty()) {
    UNBOLT_ASSIGN(claims.expires, parse_time(expires, claims.issued_at));
    if (*claims.expires <= claims.not_before.value_or(claims.issued_at))
      return fail(ErrorCode::InvalidArgument, "it would have expired before it is valid");
  }
  return {};
}

// A key of the component's own, made where there is none yet: it names the component in all of its
// revisions.
Result<PublicKey> own_key(const KeyStore& store, const std::string& name) {
  std::string key_name = "component-";
  for (const char c : name.substr(0, 36))
    key_name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ? c : '-';
  if (const auto found = store.find(key_name)) return found->public_key();
  UNBOLT_ASSIGN(const KeyPair made, KeyPair::generate(KeyKind::Component));
  UNBOLT_TRY(store.add(key_name, made));
  fmt::print(stderr, "made the key '{}' for this component and its later revisions\n", key_name);
  return made.public_key();
}

Result<PublicKey> subject_of(const SignOptions& options, const KeyStore& store,
                             const claims::Verification& before, const std::string& name) {
  if (!options.subject.empty()) return store.public_key(options.subject);
  if (before.claims && before.state != claims::SealState::Broken) return before.claims->subject;
  return own_key(store, name);
}

// Written as keys vouch prints it: a token and a line's end.
Result<std::vector<std::string>> read_chain(const std::string& path) {
  if (path.empty()) return std::vector<std::string>();
  UNBOLT_ASSIGN(const Bytes bytes, read_file(path));
  std::string text(as_text(bytes));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return std::vector<std::string>{text};
}

Result<std::string> sign(const SignOptions& options) {
  UNBOLT_ASSIGN(const KeyStore store, KeyStore::of_user());
  UNBOLT_ASSIGN(const KeyPair issuer, store.find(options.issuer));
  UNBOLT_TRY(expect_kind(issuer.public_key(), KeyKind::Account, "--issuer"));
  UNBOLT_ASSIGN(const Bytes file, read_file(options.file));
  claims::Seal seal;
  UNBOLT_ASSIGN(seal.grants, claimed_grants(options));
  UNBOLT_ASSIGN(seal.chain, read_chain(options.chain));
  const claims::Seconds now = time_now();
  const auto before = claims::verify(file, now);
  const std::string name = options.name.empty() ? component_name(options.file) : options.name;
  ComponentClaims claimed{claims::fresh_claims(now), issuer.public_key(), issuer.public_key()};
  UNBOLT_TRY(set_times(claimed, options.not_before, options.expires));
  UNBOLT_ASSIGN(claimed.subject, subject_of(options, store, before, name));
  UNBOLT_TRY(expect_kind(claimed.subject, KeyKind::Component, "--subject"));
  claimed.name = name;
  if (!options.version.empty()) claimed.version = options.version;
  claimed.revision = options.revision;
  claimed.tags = options.tags;
  auto sealed = claims::sign_file(file, claimed, std::move(seal), issuer);
  if (!sealed) return std::unexpected(std::move(sealed).error().in(options.file));
  const std::string& out = options.out.empty() ? options.file : options.out;
  UNBOLT_TRY(write_file(out, as_text(*sealed)));
  return fmt::format("{}: signed\n{}", out, describe(claims::verify(*sealed, now)));
}

Result<std::string> vouch(const VouchOptions& options) {
  UNBOLT_ASSIGN(const KeyStore store, KeyStore::of_user());
  UNBOLT_ASSIGN(const KeyPair issuer, store.find(options.issuer));
  UNBOLT_TRY(expect_kind(issuer.public_key(), KeyKind::Operator, "--issuer"));
  UNBOLT_ASSIGN(const PublicKey account, store.public_key(options.account));
  UNBOLT_TRY(expect_kind(account, KeyKind::Account, "ACCOUNT"));
  claims::AccountClaims claimed{claims::fresh_claims(time_now()), issuer.public_key(), account};
  UNBOLT_TRY(set_times(claimed, options.not_before, options.expires));
  if (!options.name.empty()) claimed.name = options.name;
  for (const auto& which : options.signers) {
    UNBOLT_ASSIGN(const PublicKey signer, store.public_key(which));
    UNBOLT_TRY(expect_kind(signer, KeyKind::Account, "--signer"));
    claimed.signers.push_back(signer);
  }
  return claims::sign_account(claimed, issuer);
}

int print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? kFailed : kDone;
}

}  // namespace

std::uint64_t time_now() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

Result<std::uint64_t> parse_time(std::string_view text, std::uint64_t now) {
  const auto wrong = [&] {
    return fail(ErrorCode::InvalidArgument,
                "time '{}': expected 30d, 12h, 45m or 10s from now, or a date of UTC as 2027-01-31 "
                "or 2027-01-31T12:00:00Z",
                text);
  };
  const auto number = [](std::string_view digits, unsigned& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (text.empty()) return wrong();
  unsigned count = 0;
  if (const auto unit = std::string_view("smhd").find(text.back());
      unit != std::string_view::npos) {
    constexpr std::uint64_t kSeconds[] = {1, 60, 3600, 86'400};
    if (!number(text.substr(0, text.size() - 1), count) || count > 1'000'000) return wrong();
    return now + count * kSeconds[unit];
  }
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || !number(text.substr(0, 4), year) ||
      !number(text.substr(5, 2), month) || !number(text.substr(8, 2), day))
    return wrong();
  if (text.size() != 10 &&
      (text.size() != 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
       text[19] != 'Z' || !number(text.substr(11, 2), hour) ||
       !number(text.substr(14, 2), minute) || !number(text.substr(17, 2), second)))
    return wrong();
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 59) return wrong();
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<std::uint64_t>(days) * 86'400 + hour * 3600 + minute * 60 + second;
}

int sign_command(const SignOptions& options) {
  const auto done = sign(options);
  return done ? print(*done) : report(done.error());
}

int vouch_command(const VouchOptions& options) {
  const auto token = vouch(options);
  return token ? print(*token + "\n") : report(token.error());
}

int verify_command(const VerifyOptions& options) {
  std::signal(SIGPIPE, SIG_DFL);
  const auto file = read_file(options.file);
  if (!file) return report(file.error());
  const auto admission = read_admission({.require_signed = true, .trusted = options.trusted});
  if (!admission) return report(admission.error());
  const auto seen = claims::verify(*file, time_now());
  const auto admitted = claims::admit(seen, *admission);
  if (options.output == "json") {
    auto out = seal_json(seen);
    if (!admitted) out["problem"] = admitted.error().message;
    out["digest"] = digest_of(*file);
    out["trusted"] = admitted.has_value();
    if (print(out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n") !=
        kDone)
      return kFailed;
  } else if (admitted) {
    return print(
        fmt::format("{}: valid\ndigest: {}\n{}", options.file, digest_of(*file), describe(seen)));
  }
  return admitted ? kDone : report(Error(admitted.error()).in(options.file));
}

}  // namespace unbolt::cli
