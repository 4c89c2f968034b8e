// Where the server is, and which table is ours.
#pragma once

#include <string>

#include "unbolt/postgres/options.h"

namespace unbolt::providers {

struct KvPostgresOptions : postgres::ServerOptions {
  // NAME or SCHEMA.NAME, of letters, digits and '_'.
  std::string table = "unbolt_kv";

  // InvalidArgument for a wrong value of our own options; others are libpq's to judge.
  static Result<KvPostgresOptions> of(const contracts::ProviderUrl& url);
};

}  // namespace unbolt::providers
