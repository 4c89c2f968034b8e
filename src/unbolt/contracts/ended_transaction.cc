#include "unbolt/contracts/ended_transaction.h"

#include "unbolt/contracts/sql_text.h"

namespace unbolt::contracts {

Result<> EndedTransaction::answer(std::string_view statement) {
  const TransactionEnd end = transaction_end(statement);
  Error over{ErrorCode::Conflict,
             fmt::format("the transaction was rolled back before: {}", why_.value_or("")),
             end == TransactionEnd::No ? "nothing more is done in it: end it with ROLLBACK"
                                       : "nothing of it was committed: begin again"};
  if (end != TransactionEnd::No) why_.reset();
  if (end == TransactionEnd::Rollback) return {};
  return std::unexpected(std::move(over));
}

}  // namespace unbolt::contracts
