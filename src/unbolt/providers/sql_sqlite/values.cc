#include "unbolt/providers/sql_sqlite/values.h"

#include <sqlite3.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "unbolt/component/strings.h"

namespace unbolt::providers::sql_sqlite {
namespace {

using contracts::sql_value;
using contracts::SqlLimits;
using contracts::SqlType;
using contracts::SqlValue;

// Whether SQLite would write the number as this text.
bool is_integer(std::string_view text, std::int64_t& number) {
  if (text.empty() || text.size() > 20 || !(text[0] == '-' || (text[0] >= '0' && text[0] <= '9')))
    return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && fmt::to_string(number) == text;
}

bool is_real(std::string_view text, double& number) {
  if (text.empty() || text.size() > 17 || !text.contains('.') ||
      text.find_first_not_of("-0123456789.") != text.npos)
    return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  char shown[32];
  sqlite3_snprintf(sizeof shown, shown, "%!.15g", number);
  return text == shown;
}

// From 1; 0 where the value has no place.
std::size_t place_of(const char* name, std::size_t index) {
  if (!name) return index;  // ?
  if (name[0] != '?' && name[0] != '$') return 0;
  const std::string_view digits(name + 1);
  std::size_t place = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place);
  return error == std::errc() && end == digits.data() + digits.size() ? place : 0;
}

int bind_one(sqlite3_stmt* statement, int index, const std::string& text) {
  std::int64_t integer = 0;
  double real = 0;
  if (is_integer(text, integer)) return sqlite3_bind_int64(statement, index, integer);
  if (is_real(text, real)) return sqlite3_bind_double(statement, index, real);
  return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_STATIC,
                             SQLITE_UTF8);
}

}  // namespace

Result<> bind(sqlite3_stmt* statement, const std::vector<std::string>& parameters) {
  const int count = sqlite3_bind_parameter_count(statement);
  std::size_t wanted = 0;
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(statement, i);
    const std::size_t place = place_of(name, static_cast<std::size_t>(i));
    if (place == 0) {
      // A number that was left out, as ?1 in "?2", has no name and takes no value.
      return fail(ErrorCode::InvalidArgument,
                  "the placeholder {} is not one of ?, ?1 and $1: values have places, not names",
                  name);
    }
    wanted = std::max(wanted, place);
  }
  if (wanted != parameters.size()) {
    return fail(ErrorCode::InvalidArgument, "the statement takes {} values, and {} are given",
                wanted, parameters.size());
  }
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(statement, i);
    const std::size_t place = place_of(name, static_cast<std::size_t>(i));
    if (bind_one(statement, i, parameters[place - 1]) != SQLITE_OK)
      return fail(ErrorCode::LimitExceeded, "value {} is too large", place);
  }
  return {};
}

// As PostgreSQL reads it: "INTEGER", "varchar(20)", "TIMESTAMP WITHOUT TIME ZONE".
Row::Declared Row::declared(const char* type) {
  struct Known {
    std::string_view begins;
    Declared declared;
  };
  // The longer before what it begins with.
  static constexpr Known kKnown[] = {
      {"INT8", Declared::Other},          {"INTEGER", Declared::Int32},
      {"INT", Declared::Int32},           {"SMALLINT", Declared::Int32},
      {"SERIAL", Declared::Int32},        {"BOOL", Declared::Bool},
      {"REAL", Declared::Float},          {"FLOAT4", Declared::Float},
      {"NUMERIC", Declared::Decimal},     {"DECIMAL", Declared::Decimal},
      {"DATETIME", Declared::Timestamp},  {"DATE", Declared::Date},
      {"TIMESTAMP", Declared::Timestamp}, {"TIME", Declared::Time},
      {"BYTEA", Declared::Binary},        {"BLOB", Declared::Binary},
  };
  if (!type) return Declared::Other;
  const std::string_view text(type);
  for (const Known& known : kKnown) {
    if (text.size() >= known.begins.size() &&
        sqlite3_strnicmp(type, known.begins.data(), static_cast<int>(known.begins.size())) == 0)
      return known.declared;
  }
  return Declared::Other;
}

Result<SqlValue> Row::value(int index, Declared declared) const {
  const auto text = [&] {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, index));
    return std::string(bytes ? bytes : "",
                       static_cast<std::size_t>(sqlite3_column_bytes(statement_, index)));
  };
  const auto binary = [&] {
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, index));
    return to_bytes(
        ByteView(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, index))));
  };
  switch (sqlite3_column_type(statement_, index)) {
    case SQLITE_NULL: return sql_value<SqlType::Null>();
    case SQLITE_BLOB: return sql_value<SqlType::Binary>(binary());
    case SQLITE_INTEGER: {
      const std::int64_t number = sqlite3_column_int64(statement_, index);
      using Int32 = std::numeric_limits<std::int32_t>;
      if (declared == Declared::Int32 && number >= Int32::min() && number <= Int32::max())
        return sql_value<SqlType::Int32>(static_cast<std::int32_t>(number));
      if (declared == Declared::Bool && (number == 0 || number == 1))
        return sql_value<SqlType::Boolean>(number == 1);
      if (declared == Declared::Decimal) return sql_value<SqlType::Str>(text());
      return sql_value<SqlType::Int64>(number);
    }
    case SQLITE_FLOAT:
      if (declared == Declared::Decimal) return sql_value<SqlType::Str>(text());
      if (declared == Declared::Float)
        return sql_value<SqlType::Float>(sqlite3_column_double(statement_, index));
      return sql_value<SqlType::Double>(sqlite3_column_double(statement_, index));
    default: break;
  }
  if (declared == Declared::Binary) return sql_value<SqlType::Binary>(binary());
  std::string found = text();
  if (!component::valid_utf8(as_bytes(found))) {
    return fail(ErrorCode::InvalidArgument,
                "the column '{}' holds a text that is not UTF-8: read it as CAST(… AS BLOB)",
                columns_[static_cast<std::size_t>(index)].name);
  }
  switch (declared) {
    case Declared::Date: return sql_value<SqlType::Date>(std::move(found));
    case Declared::Time: return sql_value<SqlType::Time>(std::move(found));
    case Declared::Timestamp: return sql_value<SqlType::Timestamp>(std::move(found));
    default: return sql_value<SqlType::Str>(std::move(found));
  }
}

Result<> Row::append(contracts::SqlCells& cells, std::size_t& bytes) {
  const int count = sqlite3_column_count(statement_);
  if (columns_.empty()) {
    for (int i = 0; i < count; ++i) {
      const char* name = sqlite3_column_name(statement_, i);
      columns_.push_back({name ? name : "", declared(sqlite3_column_decltype(statement_, i))});
    }
  }
  for (int i = 0; i < count; ++i) {
    const Column& column = columns_[static_cast<std::size_t>(i)];
    bytes += SqlLimits::kCell + column.name.size();
    // Asking a number for its bytes would make a text of it.
    if (const int type = sqlite3_column_type(statement_, i);
        type == SQLITE_TEXT || type == SQLITE_BLOB)
      bytes += static_cast<std::size_t>(sqlite3_column_bytes(statement_, i));
    UNBOLT_TRY(contracts::check_sql_answer(bytes));
    UNBOLT_ASSIGN(SqlValue found, value(i, column.declared));
    cells.push_back({column.name, std::move(found)});
  }
  return {};
}

}  // namespace unbolt::providers::sql_sqlite
