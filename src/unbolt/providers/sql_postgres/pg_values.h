// Values of wasmcloud:postgres to the server and back.
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <string_view>

#include "unbolt/contracts/postgres.h"
#include "unbolt/postgres/statement.h"

namespace unbolt::providers::sql_postgres {

// Adds the value to the parameters. InvalidArgument where it contradicts itself, or has a zero byte
// where PostgreSQL has none.
Result<> add_value(postgres::Parameters& to, const contracts::PgValue& value);

// Of a text of the server's type with this number, as one of the contract. A type that the contract
// has no case for is a Text. Adds the value's size to `bytes`. InvalidArgument for an array that
// has no place in the contract (with NULL in it, or of several dimensions) and a text that is not
// UTF-8; LimitExceeded where it becomes too much, before the memory is taken.
Result<contracts::PgValue> read_pg_value(unsigned type, std::string_view text, std::size_t& bytes);

// Adds the row of one result, and its size to `bytes`. Fails as a value does.
Result<> append_pg_row(const PGresult* row, contracts::PgRows& rows, std::size_t& bytes);

}  // namespace unbolt::providers::sql_postgres
