// What a seal says, in words and as JSON.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "unbolt/claims/verify.h"
#include "unbolt/cli/sign.h"

namespace unbolt::cli {

// Lines; everything that a stranger wrote is made printable.
std::string describe(const claims::Verification& seen);
nlohmann::ordered_json seal_json(const claims::Verification& seen);
std::string digest_of(ByteView file);  // sha256:HEX, of the whole

// The grants of `--grant` and `--grant-imports`, checked, each in its own spelling, none twice.
Result<std::vector<std::string>> claimed_grants(const SignOptions& options);

}  // namespace unbolt::cli
