#include "unbolt/providers/sql_postgres/values.h"

#include <charconv>
#include <string>

#include "unbolt/component/strings.h"
#include "unbolt/postgres/library.h"

namespace unbolt::providers::sql_postgres {
namespace {

using contracts::sql_value;
using contracts::SqlLimits;
using contracts::SqlType;
using contracts::SqlValue;
using postgres::pq;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <SqlType kType, class T>
std::optional<SqlValue> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return sql_value<kType>(value);
}

// Nothing where the text is not as it should be.
std::optional<SqlValue> value(Oid type, std::string_view text) {
  switch (type) {
    case Oid::Bool: return sql_value<SqlType::Boolean>(text == "t");
    case Oid::Int2:
    case Oid::Int4: return number<SqlType::Int32, std::int32_t>(text);
    case Oid::Int8: return number<SqlType::Int64, std::int64_t>(text);
    case Oid::Oid: return number<SqlType::Uint32, std::uint32_t>(text);
    // Also NaN and Infinity.
    case Oid::Float4: return number<SqlType::Float, double>(text);
    case Oid::Float8: return number<SqlType::Double, double>(text);
    case Oid::Bytea: {
      auto bytes = bytea(text);
      if (!bytes) return std::nullopt;
      return sql_value<SqlType::Binary>(std::move(*bytes));
    }
    default: break;
  }
  if (!component::valid_utf8(as_bytes(text))) return std::nullopt;
  switch (type) {
    case Oid::Date: return sql_value<SqlType::Date>(text);
    case Oid::Time:
    case Oid::TimeTz: return sql_value<SqlType::Time>(text);
    case Oid::Timestamp:
    case Oid::TimestampTz: return sql_value<SqlType::Timestamp>(text);
    default: return sql_value<SqlType::Str>(text);
  }
}

}  // namespace

std::optional<Bytes> bytea(std::string_view text) {
  Bytes bytes;
  if (text.starts_with("\\x")) {
    text.remove_prefix(2);
    if (text.size() % 2 != 0) return std::nullopt;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
      const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
      if (high < 0 || low < 0) return std::nullopt;
      bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return bytes;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes.push_back(static_cast<std::uint8_t>(text[i]));
    } else if (text.substr(i).starts_with("\\\\")) {
      bytes.push_back('\\');
      ++i;
    } else {
      unsigned octal = 0;
      const auto* begin = text.data() + i + 1;
      const auto [end, error] =
          std::from_chars(begin, text.data() + std::min(i + 4, text.size()), octal, 8);
      if (error != std::errc() || end - begin != 3 || octal > 255) return std::nullopt;
      bytes.push_back(static_cast<std::uint8_t>(octal));
      i += 3;
    }
  }
  return bytes;
}

Result<> append_row(const PGresult* row, contracts::SqlCells& cells, std::size_t& bytes) {
  const int count = pq().PQnfields(row);
  for (int i = 0; i < count; ++i) {
    const std::string_view name = pq().PQfname(row, i);
    const std::string_view text(pq().PQgetvalue(row, 0, i),
                                static_cast<std::size_t>(pq().PQgetlength(row, 0, i)));
    bytes += SqlLimits::kCell + name.size() + text.size();
    UNBOLT_TRY(contracts::check_sql_answer(bytes));
    if (pq().PQgetisnull(row, 0, i)) {
      cells.push_back({std::string(name), sql_value<SqlType::Null>()});
      continue;
    }
    auto found = value(static_cast<Oid>(pq().PQftype(row, i)), text);
    if (!found) {
      return fail(ErrorCode::InvalidArgument,
                  "the column '{}' holds a text that is not UTF-8: the database has no encoding of "
                  "its own (SQL_ASCII)",
                  component::to_valid_utf8(name));
    }
    cells.push_back({std::string(name), std::move(*found)});
  }
  return {};
}

}  // namespace unbolt::providers::sql_postgres
