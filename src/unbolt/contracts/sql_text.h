// What of SQL has to be understood before a database reads it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"

namespace unbolt::contracts {

// The statement from its first word on: without white space and comments in front.
std::string_view skip_blank(std::string_view sql);

// Whether `sql`, which has nothing blank in front, begins with this word (in upper case), in any
// case.
bool begins_with_word(std::string_view sql, std::string_view word);

// Whether it is a statement that does nothing but end the transaction it is in: COMMIT, END;
// ROLLBACK, ABORT. Not one that goes on in it or in another: ROLLBACK TO, COMMIT AND CHAIN.
enum class TransactionEnd { No, Commit, Rollback };
TransactionEnd transaction_end(std::string_view sql);

// The statement with `?` and `?N` written `$N`, as PostgreSQL has it, and how many values it takes.
// Strings, names, comments and `$tag$` quotes stay as they are. Where `$N` occurs, that is how it
// counts, and a `?` is an operator of PostgreSQL's; else `??` is one, and `???` a placeholder
// behind one.
struct NumberedStatement {
  std::string sql;
  std::size_t parameters = 0;
};
NumberedStatement numbered(std::string_view sql);

}  // namespace unbolt::contracts
