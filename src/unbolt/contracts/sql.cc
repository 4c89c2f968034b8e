#include "unbolt/contracts/sql.h"

namespace unbolt::contracts {

Result<> check_statement(std::string_view statement, std::span<const std::string_view> parameters) {
  if (statement.size() > SqlLimits::kStatement) {
    return fail(ErrorCode::LimitExceeded, "the statement has {} bytes, more than {}",
                statement.size(), SqlLimits::kStatement);
  }
  // Databases end a statement there, unseen.
  if (statement.contains('\0'))
    return fail(ErrorCode::InvalidArgument, "the statement has a zero byte in it");
  if (parameters.size() > SqlLimits::kParameters) {
    return fail(ErrorCode::LimitExceeded, "{} values are given, more than {}", parameters.size(),
                SqlLimits::kParameters);
  }
  std::size_t bytes = 0;
  for (std::string_view one : parameters) bytes += one.size();
  if (bytes > SqlLimits::kParameterBytes) {
    return fail(ErrorCode::LimitExceeded, "the values have {} bytes together, more than {}", bytes,
                SqlLimits::kParameterBytes);
  }
  return {};
}

Result<> check_sql_answer(std::size_t bytes) {
  if (bytes <= SqlLimits::kAnswer) return {};
  return std::unexpected(
      Error{ErrorCode::LimitExceeded,
            fmt::format("the answer has more than {} MiB", SqlLimits::kAnswer >> 20),
            "ask for less at a time, with LIMIT"});
}

}  // namespace unbolt::contracts
