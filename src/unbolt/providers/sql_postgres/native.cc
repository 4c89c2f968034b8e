#include "unbolt/providers/sql_postgres/native.h"

#include <utility>

#include "unbolt/contracts/sql.h"
#include "unbolt/providers/sql_postgres/pg_values.h"
#include "unbolt/providers/sql_postgres/pool.h"

namespace unbolt::providers {
namespace {

using contracts::PgRows;
using contracts::PgValue;
using sql_postgres::Answer;
using sql_postgres::Order;
using sql_postgres::Pool;

// In front of a token, which is the statement itself: it needs no memory here, and every connection
// prepares what it has not seen.
constexpr std::string_view kToken = "unbolt:1:";

struct Collected {
  PgRows rows;
  std::size_t bytes = 0;
};

Task<Result<PgRows>> rows_of(Task<Result<Answer>> task, std::shared_ptr<Collected> collected) {
  auto answer = co_await std::move(task);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return std::move(collected->rows);
}
Task<Result<std::uint64_t>> count_of(Task<Result<Answer>> task) {
  auto answer = co_await std::move(task);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return answer->changed;
}
Task<Result<>> done_of(Task<Result<Answer>> task) {
  auto answer = co_await std::move(task);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return Result<>();
}
Task<Result<std::string>> token_of(Task<Result<Answer>> task, std::string token) {
  auto answer = co_await std::move(task);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return token;
}

Result<Order> order_of(Order::Kind kind, std::string_view statement,
                       const std::vector<PgValue>& values = {}) {
  UNBOLT_TRY(contracts::check_statement(statement, {}));
  if (values.size() > contracts::SqlLimits::kParameters) {
    return fail(ErrorCode::LimitExceeded, "{} values are given, more than {}", values.size(),
                contracts::SqlLimits::kParameters);
  }
  Order order{.kind = kind, .sql = std::string(statement)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (auto added = sql_postgres::add_value(order.parameters, values[i]); !added)
      return std::unexpected(std::move(added).error().in(fmt::format("${}", i + 1)));
    if (order.parameters.bytes() > contracts::SqlLimits::kParameterBytes) {
      return fail(ErrorCode::LimitExceeded, "the values have more than {} bytes together",
                  contracts::SqlLimits::kParameterBytes);
    }
  }
  return order;
}

class NativePostgres final : public contracts::Postgres {
 public:
  explicit NativePostgres(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}

  std::string_view name() const override { return "postgres"; }

  Reply<Result<PgRows>> query(std::string_view statement, std::vector<PgValue> values) override {
    auto order = order_of(Order::Kind::Statement, statement, values);
    if (!order) return std::unexpected(std::move(order.error()));
    auto collected = std::make_shared<Collected>();
    order->on_row = [collected](const PGresult* row) {
      return sql_postgres::append_pg_row(row, collected->rows, collected->bytes);
    };
    return rows_of(run(std::move(*order)), collected);
  }
  Reply<Result<>> query_batch(std::string_view statements) override {
    auto order = order_of(Order::Kind::Batch, statements);
    if (!order) return std::unexpected(std::move(order.error()));
    return done_of(run(std::move(*order)));
  }
  Reply<Result<std::string>> prepare(std::string_view statement) override {
    auto order = order_of(Order::Kind::Prepare, statement);
    if (!order) return std::unexpected(std::move(order.error()));
    return token_of(run(std::move(*order)), std::string(kToken) + std::string(statement));
  }
  Reply<Result<std::uint64_t>> exec(std::string_view token, std::vector<PgValue> values) override {
    if (!token.starts_with(kToken))
      return fail(ErrorCode::NotFound, "the token is not one of a prepared statement");
    auto order = order_of(Order::Kind::Statement, token.substr(kToken.size()), values);
    if (!order) return std::unexpected(std::move(order.error()));
    return count_of(run(std::move(*order)));
  }

 private:
  Task<Result<Answer>> run(Order order) {
    return Pool::run(pool_, pool_->make_work(std::move(order), nullptr));
  }

  const std::shared_ptr<Pool> pool_;
};

}  // namespace

Result<std::shared_ptr<contracts::Postgres>> open_postgres(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context) {
  UNBOLT_ASSIGN(const auto options, sql_postgres::PoolOptions::of(url));
  UNBOLT_ASSIGN(auto pool, Pool::open(options, context.log, context.blocking));
  return std::make_shared<NativePostgres>(std::move(pool));
}

}  // namespace unbolt::providers
