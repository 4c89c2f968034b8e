// What the server's errors mean for the table.
#pragma once

#include "unbolt/postgres/result.h"

namespace unbolt::providers::kv_postgres {

// An `unbolt::postgres::ErrorOf`.
Error error_of(const PGresult* result, std::string_view server);
Error unexpected_result(std::string_view server);

}  // namespace unbolt::providers::kv_postgres
