// What a session has of a transaction after an error has ended it at the database.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"

namespace unbolt::contracts {

// For providers of `Sql`: who has not looked at the error must not go on outside of the
// transaction.
class EndedTransaction {
 public:
  // `why`: the message of the error that ended it.
  void end(std::string why) { why_ = std::move(why); }
  explicit operator bool() const { return why_.has_value(); }

  // What the next statement is answered, instead of the database. ROLLBACK succeeds, and COMMIT is
  // a Conflict: it is over with either. All else is a Conflict.
  Result<> answer(std::string_view statement);

 private:
  std::optional<std::string> why_;
};

}  // namespace unbolt::contracts
