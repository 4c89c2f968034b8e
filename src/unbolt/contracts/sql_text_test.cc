#include "unbolt/contracts/sql_text.h"

#include "unbolt/contracts/ended_transaction.h"

#include <gtest/gtest.h>

namespace unbolt::contracts {
namespace {

std::string sql_of(std::string_view sql) { return numbered(sql).sql; }

TEST(SqlText, QuestionMarksAreNumbered) {
  const auto both = numbered("SELECT a FROM t WHERE b = ? AND c=?");
  EXPECT_EQ(both.sql, "SELECT a FROM t WHERE b = $1 AND c=$2");
  EXPECT_EQ(both.parameters, 2u);
  EXPECT_EQ(sql_of("VALUES (?2, ?1, ?)"), "VALUES ($2, $1, $3)");
  EXPECT_EQ(numbered("SELECT 1").parameters, 0u);
}

TEST(SqlText, WhatIsQuotedStays) {
  for (std::string_view same : {"SELECT '?', \"?\" -- ?\n", "SELECT 'it''s ?'", "SELECT E'\\'?'",
                                "SELECT $$?$$, $a$?$$?$a$", "/* ? /* ? */ ? */ SELECT 1",
                                "SELECT '?", "SELECT /* ?", "SELECT $x$ ?"}) {
    EXPECT_EQ(sql_of(same), same);
    EXPECT_EQ(numbered(same).parameters, 0u);
  }
  EXPECT_EQ(sql_of("SELECT 'a\\', ?"), "SELECT 'a\\', $1");
  EXPECT_EQ(sql_of("SELECT a$b, ?"), "SELECT a$b, $1");
}

TEST(SqlText, DollarNumbersCountAsTheyAre) {
  const auto own = numbered("SELECT data ? 'key' FROM t WHERE a = $2 OR b = $1");
  EXPECT_EQ(own.sql, "SELECT data ? 'key' FROM t WHERE a = $2 OR b = $1");
  EXPECT_EQ(own.parameters, 2u);
  EXPECT_EQ(sql_of("SELECT data ?? ?"), "SELECT data ? $1");
  EXPECT_EQ(sql_of("SELECT data ??| ?"), "SELECT data ?| $1");
  EXPECT_EQ(sql_of("SELECT ?99999999999999999999"), "SELECT $0");
}

TEST(SqlText, WhatEndsATransaction) {
  for (std::string_view sql : {"COMMIT", " commit; ", "END", "end transaction", "COMMIT WORK -- so",
                               "commit and no chain"})
    EXPECT_EQ(transaction_end(sql), TransactionEnd::Commit) << sql;
  for (std::string_view sql :
       {"ROLLBACK", "/* so */ rollback work;", "Abort", "ROLLBACK TRANSACTION"})
    EXPECT_EQ(transaction_end(sql), TransactionEnd::Rollback) << sql;
  for (std::string_view sql : {"", "ROLLBACK TO s", "ROLLBACK TRANSACTION TO SAVEPOINT s",
                               "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "COMMIT PREPARED 'x'",
                               "ENDING", "COMMIT; DELETE FROM t", "SELECT 1", "BEGIN", "RELEASE s"})
    EXPECT_EQ(transaction_end(sql), TransactionEnd::No) << sql;
}

TEST(SqlText, AnEndedTransactionTakesNothingUntilItsEnd) {
  EndedTransaction ended;
  EXPECT_FALSE(ended);
  ended.end("the server has gone");
  auto refused = ended.answer("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  EXPECT_TRUE(refused.error().message.contains("the server has gone")) << refused.error().message;
  EXPECT_FALSE(ended.answer("BEGIN"));
  EXPECT_FALSE(ended.answer("ROLLBACK TO s"));
  EXPECT_TRUE(ended);
  EXPECT_TRUE(ended.answer("ROLLBACK"));
  EXPECT_FALSE(ended);
  // It is over, but nobody shall believe that it was committed.
  ended.end("too late");
  EXPECT_FALSE(ended.answer("COMMIT"));
  EXPECT_FALSE(ended);
}

TEST(SqlText, FirstWords) {
  const auto first = [](std::string_view sql) {
    return begins_with_word(skip_blank(sql), "BEGIN");
  };
  EXPECT_TRUE(first("begin"));
  EXPECT_TRUE(first(" -- so\n/* it */;\tBegin;"));
  EXPECT_FALSE(first("beginning"));
  EXPECT_FALSE(first("-- begin"));
  EXPECT_FALSE(first(""));
}

}  // namespace
}  // namespace unbolt::contracts
