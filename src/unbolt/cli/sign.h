// `unbolt sign`, `unbolt verify` and `unbolt keys vouch`: claims go into a file, and are checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/error.h"

namespace unbolt::cli {

struct SignOptions {
  std::string file, out;        // `out` empty: in its place
  std::string issuer, subject;  // keys; no subject: the one it was signed with, or one of its name
  std::string name, version, expires, not_before, chain;
  std::optional<std::int32_t> revision;
  std::vector<std::string> tags, grants;
  bool grant_imports = false;
};
int sign_command(const SignOptions& options);

// Exit status 0 only where the file is what its issuer signed, now, and the issuer (or the operator
// that vouches for it) is among `trusted`, where any are given.
struct VerifyOptions {
  std::string file;
  std::vector<std::string> trusted;
  std::string output = "text";
};
int verify_command(const VerifyOptions& options);

// An operator's word for an account, on standard output.
struct VouchOptions {
  std::string account, issuer, name, expires, not_before;
  std::vector<std::string> signers;
};
int vouch_command(const VouchOptions& options);

// `30d`, `12h`, `45m`, `10s` from `now`, or a date of UTC: 2027-01-31, 2027-01-31T12:00:00Z.
Result<std::uint64_t> parse_time(std::string_view text, std::uint64_t now);
std::uint64_t time_now();

}  // namespace unbolt::cli
