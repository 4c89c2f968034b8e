// The capability of wasmcloud:postgres: PostgreSQL with all its types.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"
#include "unbolt/contracts/postgres_types.h"

namespace unbolt::contracts {

struct PgEntry {
  std::string column_name;
  PgValue value;
};
using PgRow = std::vector<PgEntry>;
using PgRows = std::vector<PgRow>;

// What a provider of `wasmcloud:postgres` implements. Shared by all loops of the program:
// thread-safe. Texts are views that hold until the function returns. Limits are those of
// `SqlLimits`, errors those of `SqlSession`. A call that is cancelled is ended at the server too.
// A transaction does not outlive its call: one that is left open is rolled back, and an error.
class Postgres {
 public:
  virtual ~Postgres() = default;
  virtual std::string_view name() const = 0;

  // One statement, with a value for each $1, $2, ….
  virtual Reply<Result<PgRows>> query(std::string_view statement, std::vector<PgValue> values) = 0;
  // Any number of statements, in one transaction unless they say otherwise.
  virtual Reply<Result<>> query_batch(std::string_view statements) = 0;
  // A token for `exec`: good for every instance, and also with another provider or another run of
  // this program.
  virtual Reply<Result<std::string>> prepare(std::string_view statement) = 0;
  // How many rows it changed. NotFound where `token` is none.
  virtual Reply<Result<std::uint64_t>> exec(std::string_view token,
                                            std::vector<PgValue> values) = 0;
};

}  // namespace unbolt::contracts
