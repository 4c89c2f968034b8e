// What the server answers.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/postgres/library.h"

namespace unbolt::postgres {

struct ClearResult {
  void operator()(PGresult* result) const;
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

// Rows in the binary format. Owns them.
class Rows {
 public:
  Rows() = default;
  explicit Rows(ResultPtr result) : result_(std::move(result)) {}

  int count() const;
  bool is_null(int row, int column) const;
  std::string_view bytes(int row, int column) const;
  std::int64_t number(int row, int column) const;  // 0 where it is no int8
  std::uint32_t type(int column) const;            // its number among PostgreSQL's types
  int columns() const;

 private:
  ResultPtr result_;
};

// What a failed statement means, as one of our errors. `server` is who said it. Each provider has
// its own.
using ErrorOf = Error (*)(const PGresult* result, std::string_view server);
// A field of the error by its letter (PG_DIAG_…); "" where there is none.
std::string_view field(const PGresult* result, int which);
// What the library or the server says, on one line.
std::string one_line(std::string_view text);

// What the library says of a connection that could not be made or was lost.
Error connection_error(PGconn* connection, std::string_view server);

}  // namespace unbolt::postgres
