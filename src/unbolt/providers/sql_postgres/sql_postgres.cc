#include "unbolt/providers/sql_postgres/sql_postgres.h"

#include <utility>

#include "unbolt/contracts/sql_text.h"
#include "unbolt/providers/sql_postgres/values.h"

namespace unbolt::providers {
namespace {

using contracts::SqlCells;
using contracts::SqlSession;
using sql_postgres::Answer;
using sql_postgres::Holder;
using sql_postgres::Order;
using sql_postgres::Pool;

// The rows of an answer, written where they come in.
struct Collected {
  SqlCells cells;
  std::size_t bytes = 0;
};

Task<Result<SqlCells>> cells_of(Task<Result<Answer>> task, std::shared_ptr<Collected> collected) {
  auto answer = co_await std::move(task);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return std::move(collected->cells);
}

Task<Result<std::uint64_t>> count_of(Task<Result<Answer>> task) {
  auto answer = co_await std::move(task);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return answer->changed;
}

Result<Order> order_of(std::string_view statement, std::span<const std::string_view> parameters) {
  UNBOLT_TRY(contracts::check_statement(statement, parameters));
  auto numbered = contracts::numbered(statement);
  if (numbered.parameters != parameters.size()) {
    return fail(ErrorCode::InvalidArgument, "the statement takes {} values, and {} are given",
                numbered.parameters, parameters.size());
  }
  Order order;
  order.sql = std::move(numbered.sql);
  for (std::string_view text : parameters) {
    if (text.contains('\0'))
      return fail(ErrorCode::InvalidArgument, "a text of PostgreSQL has no zero byte in it");
    order.parameters.add_text(text);
  }
  return order;
}

class Session final : public SqlSession {
 public:
  explicit Session(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}
  ~Session() override { pool_->close(std::move(holder_)); }

  Reply<Result<SqlCells>> query(std::string_view statement,
                                std::span<const std::string_view> parameters) override {
    auto order = order_of(statement, parameters);
    if (!order) return std::unexpected(std::move(order.error()));
    auto collected = std::make_shared<Collected>();
    order->on_row = [collected](const PGresult* row) {
      return sql_postgres::append_row(row, collected->cells, collected->bytes);
    };
    return cells_of(Pool::run(pool_, pool_->make_work(std::move(*order), holder_)), collected);
  }
  Reply<Result<std::uint64_t>> exec(std::string_view statement,
                                    std::span<const std::string_view> parameters) override {
    auto order = order_of(statement, parameters);
    if (!order) return std::unexpected(std::move(order.error()));
    return count_of(Pool::run(pool_, pool_->make_work(std::move(*order), holder_)));
  }
  bool in_transaction() const override { return holder_->in_transaction; }

 private:
  const std::shared_ptr<Pool> pool_;
  std::shared_ptr<Holder> holder_ = std::make_shared<Holder>();
};

class SqlPostgres final : public contracts::Sql {
 public:
  explicit SqlPostgres(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}

  std::string_view name() const override { return "postgres"; }
  std::unique_ptr<SqlSession> session() override { return std::make_unique<Session>(pool_); }

 private:
  const std::shared_ptr<Pool> pool_;
};

}  // namespace

Result<std::shared_ptr<contracts::Sql>> make_sql_postgres(const SqlPostgresOptions& options,
                                                          Log& log, BlockingPool& blocking) {
  UNBOLT_ASSIGN(auto pool, Pool::open(options, log, blocking));
  return std::make_shared<SqlPostgres>(std::move(pool));
}

Result<std::shared_ptr<contracts::Sql>> open_sql_postgres(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context) {
  UNBOLT_ASSIGN(const SqlPostgresOptions options, SqlPostgresOptions::of(url));
  return make_sql_postgres(options, context.log, context.blocking);
}

}  // namespace unbolt::providers
