#include "unbolt/providers/kv_postgres/errors.h"

namespace unbolt::providers::kv_postgres {

Error error_of(const PGresult* result, std::string_view server) {
  struct Known {
    std::string_view state;  // as it begins: a class of errors, or one of them
    ErrorCode code;
    std::string_view hint;
  };
  static constexpr Known kKnown[] = {
      {"57014", ErrorCode::Timeout, {}},
      {"42501", ErrorCode::Denied, "GRANT this user the right"},
      {"28", ErrorCode::Denied, "check the user and the password in the URL"},
      {"3D000", ErrorCode::NotFound, "create the database, or name another"},
      {"3F000", ErrorCode::NotFound, "create the schema, or name another in table="},
      {"42P01", ErrorCode::NotFound, "somebody has removed the table: open the provider again"},
      {"42", ErrorCode::Conflict, "another program has a table of this name: name another, table="},
      {"53300", ErrorCode::Unavailable, "raise its max_connections, or lower connections="},
      {"53", ErrorCode::LimitExceeded, "it has no space or memory left"},
      {"54", ErrorCode::LimitExceeded, {}},
      {"25006", ErrorCode::Unavailable, "it takes no writes: name the primary"},
      {"08", ErrorCode::Unavailable, {}},
      {"40", ErrorCode::Unavailable, "try it again"},
      {"57", ErrorCode::Unavailable, {}},
      {"58", ErrorCode::Unavailable, {}},
  };
  const std::string_view state = postgres::field(result, PG_DIAG_SQLSTATE);
  const std::string_view message = postgres::field(result, PG_DIAG_MESSAGE_PRIMARY);
  Error error{ErrorCode::Unavailable,
              fmt::format("{} refused: {}", server,
                          postgres::one_line(message.empty() ? "no reason given" : message)),
              {}};
  for (const Known& known : kKnown) {
    if (!state.starts_with(known.state)) continue;
    error.code = known.code;
    error.hint = known.hint;
    break;
  }
  return error;
}

Error unexpected_result(std::string_view server) {
  return Error{ErrorCode::ProtocolError,
               fmt::format("{} answered what this program does not understand", server),
               {}};
}

}  // namespace unbolt::providers::kv_postgres
