// The SQL capability: statements in, typed values out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"

namespace unbolt::contracts {

// What every provider takes and none exceeds; beyond it the answer is LimitExceeded. In bytes.
struct SqlLimits {
  static constexpr std::size_t kStatement = 1 << 20;
  static constexpr std::size_t kParameters = 32'767;  // their number
  static constexpr std::size_t kParameterBytes = 64 << 20;
  // Of one answer: its values and names, and `kCell` for each of them.
  static constexpr std::size_t kAnswer = 64 << 20;
  static constexpr std::size_t kCell = 64;
};

// variant data-type of wasi:sql/types, case by case.
using SqlValue =
    std::variant<std::int32_t, std::int64_t, std::uint32_t, std::uint64_t, double, double,
                 std::string, bool, std::string, std::string, std::string, Bytes, std::monostate>;
enum class SqlType : std::size_t {
  Int32,
  Int64,
  Uint32,
  Uint64,
  Float,
  Double,
  Str,
  Boolean,
  Date,
  Time,
  Timestamp,
  Binary,
  Null,
};

// record row: one value with the name of its column. Rows follow each other without a mark: each
// has as many of them as there are columns.
struct SqlCell {
  std::string field_name;
  SqlValue value;
};
using SqlCells = std::vector<SqlCell>;

// What one holder of a connection sees of a database. Outside of a transaction each statement may
// go through another connection to the server; from the statement that begins a transaction (BEGIN,
// START TRANSACTION, SAVEPOINT) to the one that ends it all go through the same one.
//
// One call at a time, on one loop. Arguments are views that hold until the function returns. A call
// that is cancelled is ended at the database too; whether it took effect is not known then, nor
// after a Timeout or Unavailable, and its transaction is rolled back.
//
// An error may have ended the transaction at the database. Then each of its statements is a
// Conflict, as for any transaction in which PostgreSQL has seen an error, until ROLLBACK, or
// COMMIT, which is a Conflict too.
//
// Placeholders are `?` in their order, or `$1` and `?1` by number; each value is text that the
// database reads as the type it needs there. One statement a call.
class SqlSession {
 public:
  // Rolls back what was not committed, without blocking; a call may still be under way.
  virtual ~SqlSession() = default;

  // InvalidArgument for what the database does not understand or accept, Conflict for a constraint,
  // Denied, LimitExceeded, Timeout, Unavailable.
  virtual Reply<Result<SqlCells>> query(std::string_view statement,
                                        std::span<const std::string_view> parameters) = 0;
  // How many rows it changed; 0 where it changes none.
  virtual Reply<Result<std::uint64_t>> exec(std::string_view statement,
                                            std::span<const std::string_view> parameters) = 0;
  // After the answer of the last call. Also where an error has ended it, until it is rolled back.
  virtual bool in_transaction() const = 0;
};

// What a provider of `wasi:sql` implements. Shared by all loops of the program: thread-safe.
//
// A column has the type that PostgreSQL would give it by its declaration: INTEGER is Int32, BIGINT
// Int64, NUMERIC a Str with all its digits, and so on, on every provider.
class Sql {
 public:
  virtual ~Sql() = default;

  // The scheme of its URL, for messages. Lives as long as the program.
  virtual std::string_view name() const = 0;
  // Costs nothing and cannot fail: the database is asked with the first statement. May outlive the
  // provider's last pointer.
  virtual std::unique_ptr<SqlSession> session() = 0;
};

// For providers: the arguments against the limits, so that all refuse with the same words.
Result<> check_statement(std::string_view statement, std::span<const std::string_view> parameters);
// `bytes`: the size of an answer so far.
Result<> check_sql_answer(std::size_t bytes);

template <SqlType kType, class... Args>
SqlValue sql_value(Args&&... args) {
  return SqlValue(std::in_place_index<static_cast<std::size_t>(kType)>,
                  std::forward<Args>(args)...);
}

}  // namespace unbolt::contracts
