#include "unbolt/postgres/result.h"

#include <algorithm>

#include "unbolt/contracts/text.h"

namespace unbolt::postgres {

// The library ends its messages with a line break, and has several lines where it tried several
// addresses.
std::string one_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\t', ' ');
  return contracts::printable(line, 300);
}

std::string_view field(const PGresult* result, int which) {
  const char* text = pq().PQresultErrorField(result, which);
  return text ? text : "";
}

void ClearResult::operator()(PGresult* result) const { pq().PQclear(result); }

int Rows::count() const { return pq().PQntuples(result_.get()); }
int Rows::columns() const { return pq().PQnfields(result_.get()); }
bool Rows::is_null(int row, int column) const {
  return pq().PQgetisnull(result_.get(), row, column) != 0;
}
std::string_view Rows::bytes(int row, int column) const {
  return {pq().PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(pq().PQgetlength(result_.get(), row, column))};
}
std::int64_t Rows::number(int row, int column) const {
  std::string_view text = bytes(row, column);
  if (text.size() != 8) return 0;
  std::uint64_t number = 0;
  for (char c : text) number = number << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(number);
}
std::uint32_t Rows::type(int column) const { return pq().PQftype(result_.get(), column); }

// There is no code for these, only words.
Error connection_error(PGconn* connection, std::string_view server) {
  struct Known {
    std::string_view part;
    ErrorCode code;
    std::string_view hint;
  };
  static constexpr Known kKnown[] = {
      {"password authentication failed", ErrorCode::Denied,
       "check the user and the password in the URL"},
      {"no password supplied", ErrorCode::Denied, "write postgres://USER:PASSWORD@HOST/DATABASE"},
      {"role \"", ErrorCode::Denied, "check the user in the URL"},
      {"no pg_hba.conf entry", ErrorCode::Denied, "let this host in (pg_hba.conf)"},
      {"permission denied", ErrorCode::Denied, "GRANT this user CONNECT"},
      {"database \"", ErrorCode::NotFound, "create the database, or name another"},
      {"too many clients", ErrorCode::Unavailable,
       "raise its max_connections, or lower connections="},
      {"invalid ", ErrorCode::InvalidArgument, {}},
      {"certificate", ErrorCode::Unavailable, "check sslmode= and sslrootcert="},
      {"SSL", ErrorCode::Unavailable, "check sslmode= and sslrootcert="},
  };
  const std::string text = one_line(pq().PQerrorMessage(connection));
  Error error{ErrorCode::Unavailable, fmt::format("no connection to {}: {}", server, text),
              "is it running, and reachable from here?"};
  for (const Known& known : kKnown) {
    if (text.find(known.part) == text.npos) continue;
    error.code = known.code;
    error.hint = known.hint;
    break;
  }
  return error;
}

}  // namespace unbolt::postgres
