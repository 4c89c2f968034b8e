// SQLite's values as the contract's, and back.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "unbolt/contracts/sql.h"

struct sqlite3_stmt;

namespace unbolt::providers::sql_sqlite {

// Gives the statement its values, which outlive its run. InvalidArgument where they are too many or
// too few. What reads as a number is bound as one where SQLite writes that number as the same text:
// SQLite compares a text with what is not a column as a text. A column of texts makes a text of it
// again.
Result<> bind(sqlite3_stmt* statement, const std::vector<std::string>& parameters);

// The rows of one run.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}

  // Adds the values of the row that the statement stands on, and their size to `bytes`.
  // InvalidArgument for a text that is not UTF-8, LimitExceeded where it becomes too much.
  Result<> append(contracts::SqlCells& cells, std::size_t& bytes);

 private:
  // What the declaration of a column says.
  enum class Declared : std::uint8_t {
    Other,
    Int32,
    Bool,
    Float,
    Decimal,
    Date,
    Time,
    Timestamp,
    Binary,
  };
  struct Column {
    std::string name;
    Declared declared;
  };
  static Declared declared(const char* type);
  Result<contracts::SqlValue> value(int index, Declared declared) const;

  sqlite3_stmt* statement_;
  std::vector<Column> columns_;
};

}  // namespace unbolt::providers::sql_sqlite
