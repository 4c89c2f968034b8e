#include "unbolt/providers/sql_sqlite/sql_sqlite.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace unbolt::providers {
namespace {

using contracts::SqlCells;
using contracts::SqlSession;
using sql_sqlite::Answer;
using sql_sqlite::Database;
using sql_sqlite::Holder;
using sql_sqlite::Work;

using Clock = std::chrono::steady_clock;

// For a statement to end by itself after its deadline.
constexpr std::chrono::milliseconds kGrace{500};

// Ends the statement where the one who waits for it is cancelled.
class CancelsUnlessDone {
 public:
  CancelsUnlessDone(Database& database, const std::shared_ptr<Work>& work)
      : database_(database), work_(work) {}
  ~CancelsUnlessDone() {
    if (done) return;
    work_->bounds.cancelled = true;
    database_.give_up(work_);
  }
  CancelsUnlessDone(const CancelsUnlessDone&) = delete;
  CancelsUnlessDone& operator=(const CancelsUnlessDone&) = delete;

  bool done = false;

 private:
  Database& database_;
  const std::shared_ptr<Work>& work_;
};

Task<Result<Answer>> run(std::shared_ptr<Database> database, std::shared_ptr<Work> work) {
  auto started = database->start(work);
  if (!started) co_return std::unexpected(std::move(started.error()));
  CancelsUnlessDone guard(*database, work);
  if (!co_await work->done->wait_until(work->bounds.deadline)) {
    database->give_up(work);  // if it waits for its turn
    if (!co_await work->done->wait_until(Clock::now() + kGrace))
      co_return std::unexpected(work->bounds.error());
  }
  guard.done = true;
  co_return std::move(work->outcome);
}

Task<Result<SqlCells>> cells_of(Task<Result<Answer>> task) {
  auto answer = co_await std::move(task);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return std::move(answer->cells);
}

Task<Result<std::uint64_t>> count_of(Task<Result<Answer>> task) {
  auto answer = co_await std::move(task);
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  co_return answer->changed;
}

class Session final : public SqlSession {
 public:
  explicit Session(std::shared_ptr<Database> database) : database_(std::move(database)) {}
  ~Session() override { database_->close(std::move(holder_)); }

  Reply<Result<SqlCells>> query(std::string_view statement,
                                std::span<const std::string_view> parameters) override {
    if (auto ok = contracts::check_statement(statement, parameters); !ok)
      return std::unexpected(std::move(ok.error()));
    return cells_of(run(database_, work(statement, parameters)));
  }
  Reply<Result<std::uint64_t>> exec(std::string_view statement,
                                    std::span<const std::string_view> parameters) override {
    if (auto ok = contracts::check_statement(statement, parameters); !ok)
      return std::unexpected(std::move(ok.error()));
    return count_of(run(database_, work(statement, parameters)));
  }
  bool in_transaction() const override { return database_->in_transaction(*holder_); }

 private:
  std::shared_ptr<Work> work(std::string_view statement,
                             std::span<const std::string_view> parameters) const {
    auto work = std::make_shared<Work>();
    work->sql = statement;
    work->parameters.assign(parameters.begin(), parameters.end());
    work->bounds.timeout = database_->options().timeout;
    work->bounds.deadline = Clock::now() + work->bounds.timeout;
    work->holder = holder_;
    return work;
  }

  const std::shared_ptr<Database> database_;
  std::shared_ptr<Holder> holder_ = std::make_shared<Holder>();
};

class SqlSqlite final : public contracts::Sql {
 public:
  explicit SqlSqlite(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  std::string_view name() const override { return "sqlite"; }
  std::unique_ptr<SqlSession> session() override { return std::make_unique<Session>(database_); }

 private:
  const std::shared_ptr<Database> database_;
};

}  // namespace

Result<std::shared_ptr<contracts::Sql>> make_sql_sqlite(const SqlSqliteOptions& options,
                                                        BlockingPool& blocking) {
  UNBOLT_ASSIGN(auto database, Database::open(options, blocking));
  return std::make_shared<SqlSqlite>(std::move(database));
}

Result<std::shared_ptr<contracts::Sql>> open_sql_sqlite(const contracts::ProviderUrl& url,
                                                        const contracts::ProviderContext& context) {
  SqlSqliteOptions options;
  UNBOLT_ASSIGN(options.file, unbolt::sqlite::FileOptions::of(
                                  url, {"timeout", "idle_transaction", "connections"}));
  UNBOLT_ASSIGN(std::uint64_t timeout, url.milliseconds_option("timeout", 30'000));
  options.timeout = std::chrono::milliseconds(std::clamp<std::uint64_t>(timeout, 10, 3'600'000));
  UNBOLT_ASSIGN(std::uint64_t idle, url.milliseconds_option("idle_transaction", 60'000));
  options.idle_transaction =
      std::chrono::milliseconds(std::clamp<std::uint64_t>(idle, 10, 3'600'000));
  if (auto found = url.query.find("connections"); found != url.query.end()) {
    const std::string& text = found->second;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), options.connections);
    if (error != std::errc() || end != text.data() + text.size() || options.connections < 1 ||
        options.connections > 64) {
      return fail(ErrorCode::InvalidArgument, "'{}': connections is a number from 1 to 64",
                  url.shown());
    }
  }
  return make_sql_sqlite(options, context.blocking);
}

}  // namespace unbolt::providers
