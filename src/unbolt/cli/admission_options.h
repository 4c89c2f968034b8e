// The flags that say which files may be run, by who signed them.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/claims/admission.h"

namespace unbolt::cli {

struct AdmissionOptions {
  bool require_signed = false;
  std::vector<std::string> trusted;  // names of keys of the user's, or public keys
  std::string audit_log;             // a file; empty: refusals are in the log alone
};

// `options` outlives the parsing.
void add_admission(CLI::App& command, AdmissionOptions& options);

// NotFound, InvalidArgument where one of the keys is none.
Result<claims::Admission> read_admission(const AdmissionOptions& options);

}  // namespace unbolt::cli
