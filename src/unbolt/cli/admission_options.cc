#include "unbolt/cli/admission_options.h"

#include "unbolt/identity/key_store.h"

namespace unbolt::cli {

void add_admission(CLI::App& command, AdmissionOptions& options) {
  command.add_flag("--require-signed", options.require_signed,
                   "Run only what carries signed claims that hold");
  command
      .add_option("--trust", options.trusted,
                  "An account or operator that is trusted: run only what one of them signed")
      ->type_name("KEY")
      ->allow_extra_args(false);
  command
      .add_option("--audit-log", options.audit_log,
                  "Append every call that is refused to this file, as a line of JSON")
      ->type_name("FILE");
}

Result<claims::Admission> read_admission(const AdmissionOptions& options) {
  claims::Admission admission{options.require_signed, {}};
  if (options.trusted.empty()) return admission;
  UNBOLT_ASSIGN(const auto store, identity::KeyStore::of_user());
  for (const auto& which : options.trusted) {
    auto key = store.public_key(which);
    if (!key) return std::unexpected(std::move(key).error().in("--trust"));
    admission.trusted.push_back(*key);
  }
  return admission;
}

}  // namespace unbolt::cli
