#include "unbolt/contracts/sql_text.h"

#include <algorithm>
#include <charconv>

namespace unbolt::contracts {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Of a name; bytes beyond ASCII are letters to PostgreSQL.
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Where what begins at `at` ends: a string, a quoted name, a comment or a `$tag$` quote. `at` where
// none begins there; the end of the text where it has no end.
std::size_t skip_quoted(std::string_view sql, std::size_t at) {
  const char c = sql[at];
  const char before = at > 0 ? sql[at - 1] : ' ';
  if (c == '\'' || c == '"') {
    // E'…' knows backslashes.
    const bool escapes =
        c == '\'' && (before == 'E' || before == 'e') && (at < 2 || !is_name(sql[at - 2]));
    for (std::size_t i = at + 1; i < sql.size(); ++i) {
      if (escapes && sql[i] == '\\') {
        ++i;
      } else if (sql[i] == c) {
        return i + 1;  // a doubled one begins the rest of the string
      }
    }
    return sql.size();
  }
  if (sql.substr(at).starts_with("--")) return std::min(sql.find('\n', at), sql.size());
  if (sql.substr(at).starts_with("/*")) {
    int depth = 1;  // PostgreSQL's nest
    for (std::size_t i = at + 2; i < sql.size(); ++i) {
      if (sql.substr(i).starts_with("*/")) {
        ++i;
        if (--depth == 0) return i + 1;
      } else if (sql.substr(i).starts_with("/*")) {
        ++i;
        ++depth;
      }
    }
    return sql.size();
  }
  if (c == '$' && !is_name(before) && at + 1 < sql.size() && !is_digit(sql[at + 1])) {
    std::size_t end = at + 1;
    while (end < sql.size() && is_name(sql[end])) ++end;
    if (end == sql.size() || sql[end] != '$') return at;
    const std::string_view tag = sql.substr(at, end + 1 - at);
    const std::size_t close = sql.find(tag, end + 1);
    return close == sql.npos ? sql.size() : close + tag.size();
  }
  return at;
}

// Calls `plain(at)` for each byte outside of quotes and comments, which returns where to go on, and
// `quoted(text)` for what is inside.
template <class Plain, class Quoted>
void scan(std::string_view sql, Plain plain, Quoted quoted) {
  for (std::size_t at = 0; at < sql.size();) {
    if (const std::size_t end = skip_quoted(sql, at); end != at) {
      quoted(sql.substr(at, end - at));
      at = end;
    } else {
      at = plain(at);
    }
  }
}

std::size_t digits_end(std::string_view sql, std::size_t at) {
  while (at < sql.size() && is_digit(sql[at])) ++at;
  return at;
}

// 0 where it is none, or larger than any database counts.
std::size_t number(std::string_view digits) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && value <= 65'535 ? value : 0;
}

bool is_dollar_number(std::string_view sql, std::size_t at) {
  return sql[at] == '$' && at + 1 < sql.size() && is_digit(sql[at + 1]) &&
         (at == 0 || !is_name(sql[at - 1]));
}

}  // namespace

std::string_view skip_blank(std::string_view sql) {
  while (!sql.empty()) {
    if (is_blank(sql[0]) || sql[0] == ';') {
      sql.remove_prefix(1);
    } else if (sql.starts_with("--") || sql.starts_with("/*")) {
      sql.remove_prefix(skip_quoted(sql, 0));
    } else {
      break;
    }
  }
  return sql;
}

bool begins_with_word(std::string_view sql, std::string_view word) {
  if (sql.size() < word.size() || (sql.size() > word.size() && is_name(sql[word.size()])))
    return false;
  return std::equal(word.begin(), word.end(), sql.begin(), [](char upper, char c) {
    return upper == (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  });
}

TransactionEnd transaction_end(std::string_view sql) {
  sql = skip_blank(sql);
  const auto take = [&](std::string_view word) {
    if (!begins_with_word(sql, word)) return false;
    sql = skip_blank(sql.substr(word.size()));
    return true;
  };
  const bool commit = take("COMMIT") || take("END");
  if (!commit && !take("ROLLBACK") && !take("ABORT")) return TransactionEnd::No;
  if (!take("WORK")) (void)take("TRANSACTION");
  if (take("AND") && !(take("NO") && take("CHAIN"))) return TransactionEnd::No;
  if (!sql.empty()) return TransactionEnd::No;
  return commit ? TransactionEnd::Commit : TransactionEnd::Rollback;
}

NumberedStatement numbered(std::string_view sql) {
  NumberedStatement out;
  const auto nothing = [](std::string_view) {};
  scan(
      sql,
      [&](std::size_t at) {
        if (!is_dollar_number(sql, at)) return at + 1;
        const std::size_t end = digits_end(sql, at + 1);
        out.parameters = std::max(out.parameters, number(sql.substr(at + 1, end - at - 1)));
        return end;
      },
      nothing);
  if (out.parameters > 0) {
    out.sql = sql;
    return out;
  }
  out.sql.reserve(sql.size() + 16);
  scan(
      sql,
      [&](std::size_t at) {
        if (sql[at] != '?') {
          out.sql += sql[at];
          return at + 1;
        }
        if (sql.substr(at).starts_with("??")) {
          out.sql += '?';
          return at + 2;
        }
        const std::size_t end = digits_end(sql, at + 1);
        const std::size_t asked = number(sql.substr(at + 1, end - at - 1));
        const std::size_t index = end > at + 1 ? asked : out.parameters + 1;
        out.parameters = std::max(out.parameters, index);
        out.sql += '$';
        out.sql += std::to_string(index);
        return end;
      },
      [&](std::string_view text) { out.sql += text; });
  return out;
}

}  // namespace unbolt::contracts
