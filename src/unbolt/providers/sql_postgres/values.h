// PostgreSQL's values, in their text format, as those of wasi:sql.
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <optional>
#include <string_view>

#include "unbolt/contracts/sql.h"

namespace unbolt::providers::sql_postgres {

// The numbers of PostgreSQL's own types, which never change.
enum class Oid : unsigned {
  Bool = 16,
  Bytea = 17,
  Int8 = 20,
  Int2 = 21,
  Int4 = 23,
  Oid = 26,
  Float4 = 700,
  Float8 = 701,
  Date = 1082,
  Time = 1083,
  Timestamp = 1114,
  TimestampTz = 1184,
  TimeTz = 1266,
};

// Of the text format "\x00ff", and of the older one with backslashes; nothing where it is neither.
std::optional<Bytes> bytea(std::string_view text);

// Adds the values of a row of one result to `cells`, and their size to `bytes`. InvalidArgument for
// a text that is not UTF-8, LimitExceeded where it becomes too much.
Result<> append_row(const PGresult* row, contracts::SqlCells& cells, std::size_t& bytes);

}  // namespace unbolt::providers::sql_postgres
