// What is read of a component's SQL before a database does: its placeholders, its first words. A
// statement is taken to another one with the same strings and comments, or as it is.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "unbolt/contracts/ended_transaction.h"
#include "unbolt/contracts/sql_text.h"

namespace {

using namespace unbolt::contracts;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  const std::string_view text = skip_blank(sql);
  expect(sql.ends_with(text), "more than what is blank was skipped");
  expect(skip_blank(text) == text, "there is something blank left in front");
  const TransactionEnd end = transaction_end(sql);
  expect(end == transaction_end(text), "a comment in front changes the statement");
  const NumberedStatement numbered_sql = numbered(sql);
  expect(sql.contains('?') || numbered_sql.sql == sql, "a statement without placeholders changed");
  EndedTransaction ended;
  ended.end("why");
  const bool answered = ended.answer(sql).has_value();
  expect(answered == (end == TransactionEnd::Rollback), "not only ROLLBACK succeeds");
  expect(static_cast<bool>(ended) == (end == TransactionEnd::No), "it is over with a wrong word");
  return 0;
}
