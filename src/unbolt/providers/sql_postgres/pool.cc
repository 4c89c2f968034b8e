#include "unbolt/providers/sql_postgres/pool.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <future>
#include <utility>

#include "unbolt/contracts/sql_text.h"

namespace unbolt::providers::sql_postgres {
namespace {

using namespace std::chrono_literals;

// For a statement to end after it was cancelled, before its connection is given up.
constexpr auto kGrace = 1s;
// For what the pool itself asks between two statements.
constexpr auto kUpkeep = 5s;

// Closes the connection where the server does not answer in time.
class Alarm {
 public:
  Alarm(asio::io_context& loop, const std::shared_ptr<Connection>& connection,
        std::chrono::milliseconds after)
      : timer_(loop, after) {
    timer_.async_wait([weak = std::weak_ptr(connection)](boost::system::error_code error) {
      auto late = weak.lock();
      if (!error && late) late->close();
    });
  }

 private:
  Timer timer_;
};

}  // namespace

Result<PoolOptions> PoolOptions::of(const contracts::ProviderUrl& url) {
  PoolOptions options;
  UNBOLT_ASSIGN(static_cast<postgres::ServerOptions&>(options),
                postgres::ServerOptions::of(url, 30s, {"idle_transaction"}));
  UNBOLT_ASSIGN(std::uint64_t idle, url.milliseconds_option("idle_transaction", 60'000));
  options.idle_transaction =
      std::chrono::milliseconds(std::clamp<std::uint64_t>(idle, 10, 3'600'000));
  return options;
}

Pool::Pool(const PoolOptions& options, Log& log) : options_(options), log_(log) {}

// What callers have asked to be cancelled is on its way then.
Pool::~Pool() {
  auto reached = std::make_shared<std::promise<void>>();
  auto done = reached->get_future();
  asio::post(io_.loop(), [reached] { reached->set_value(); });
  (void)done.wait_for(1s);
  io_.stop();
}

Result<std::shared_ptr<Pool>> Pool::open(const PoolOptions& options, Log& log,
                                         BlockingPool& blocking) {
  UNBOLT_TRY(postgres::Library::load());
  std::shared_ptr<Pool> pool(new Pool(options, log), [&blocking](Pool* last) {
    blocking.post([last]() noexcept { delete last; });
  });
  UNBOLT_TRY(postgres::first_answer(pool->io_.loop(), pool->first_connection(),
                                    options.timeout + 1s, options));
  return pool;
}

Task<Result<>> Pool::first_connection() {
  auto opened = co_await Connection::open(options_, options_.idle_transaction);
  if (!opened) co_return std::unexpected(std::move(opened.error()));
  ++connections_;
  add(std::move(*opened));
  co_return Result<>();
}

std::shared_ptr<Work> Pool::make_work(Order order, std::shared_ptr<Holder> holder) const {
  auto work = std::make_shared<Work>();
  work->order = std::move(order);
  work->holder = std::move(holder);
  work->deadline = Clock::now() + options_.timeout;
  return work;
}

Task<Result<Answer>> Pool::run(std::shared_ptr<Pool> self, std::shared_ptr<Work> work) {
  auto place = self->admission_.admit(work->order.sql.size() + work->order.parameters.bytes());
  if (!place) co_return std::unexpected(std::move(place.error()));
  work->admission = std::move(*place);
  Pool* pool = self.get();
  asio::post(pool->io_.loop(), [pool, work] { pool->submit(work); });
  // Ends the statement where the one who waits for it is cancelled.
  struct Guard {
    Pool* pool;
    const std::shared_ptr<Work>& work;
    bool done = false;
    ~Guard() {
      if (!done)
        asio::post(pool->io_.loop(), [pool = pool, work = work] { pool->stop(work, true); });
    }
  } guard{pool, work};
  if (!co_await work->done->wait_until(work->deadline)) {
    asio::post(pool->io_.loop(), [pool, work] { pool->stop(work, false); });
    if (!co_await work->done->wait_until(Clock::now() + kGrace + 500ms)) {
      guard.done = true;
      co_return std::unexpected(pool->ended_late());
    }
  }
  guard.done = true;
  co_return std::move(work->outcome);
}

Error Pool::ended_late() const {
  return Error{
      ErrorCode::Timeout,
      fmt::format("the statement was ended: it took longer than {} ms", options_.timeout.count()),
      {}};
}

void Pool::close(std::shared_ptr<Holder> holder) {
  asio::post(io_.loop(), [this, holder = std::move(holder)] {
    holder->closed = true;
    if (holder->busy || !holder->connection) return;
    asio::co_spawn(io_.loop(), put_back(std::exchange(holder->connection, nullptr)),
                   asio::detached);
  });
}

void Pool::submit(std::shared_ptr<Work> work) {
  Holder* holder = work->holder.get();
  if (holder && holder->busy) {
    // Its call was given up, and it has not ended yet.
    work->holder = nullptr;
    return finish(*work, fail(ErrorCode::Unavailable, "the statement before has not ended yet"));
  }
  if (holder && holder->ended) {
    auto answer = holder->ended.answer(work->order.sql);
    holder->in_transaction = static_cast<bool>(holder->ended);
    if (!answer) return finish(*work, std::unexpected(std::move(answer.error())));
    return finish(*work, Answer());
  }
  if (holder) holder->busy = true;
  if (holder && holder->connection) return begin(std::move(work), holder->connection);
  waiting_.push_back(std::move(work));
  next();
}

void Pool::next() {
  while (!waiting_.empty() && !idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->usable() || connection->is_large()) {
      --connections_;
      continue;
    }
    auto work = std::move(waiting_.front());
    waiting_.pop_front();
    begin(std::move(work), std::move(connection));
  }
  while (connections_ < options_.connections && connecting_ < waiting_.size()) {
    ++connections_;
    ++connecting_;
    asio::co_spawn(io_.loop(), connect(), asio::detached);
  }
}

Task<> Pool::connect() {
  auto opened = co_await Connection::open(options_, options_.idle_transaction);
  --connecting_;
  if (opened) {
    if (trouble_) log_.line(LogLevel::Info, "postgres", "{} is back", options_.shown);
    trouble_.reset();
    add(std::move(*opened));
    next();
    co_return;
  }
  --connections_;
  // Others serve, or are being made.
  if (connections_ > 0) co_return;
  if (!trouble_) log_.line(LogLevel::Warn, "postgres", "{}", opened.error().message);
  trouble_ = std::move(opened.error());
  for (auto& work : std::exchange(waiting_, {})) finish(*work, std::unexpected(*trouble_));
}

void Pool::add(std::shared_ptr<Connection> connection) {
  connection->cancel = [this, raw = connection.get(), weak = std::weak_ptr(connection)] {
    ++raw->cancels;
    canceller_.cancel(raw->handle(), [this, weak] {
      asio::post(io_.loop(), [weak] {
        if (auto told = weak.lock()) --told->cancels;
      });
    });
  };
  idle_.push_back(std::move(connection));
}

void Pool::begin(std::shared_ptr<Work> work, std::shared_ptr<Connection> connection) {
  work->connection = std::move(connection);
  asio::co_spawn(io_.loop(), serve(std::move(work)), asio::detached);
}

Task<> Pool::serve(std::shared_ptr<Work> work) {
  auto connection = work->connection;
  auto outcome = co_await connection->run(work->order);
  Holder* holder = work->holder.get();
  const bool stopped = work->late || work->cancelled;
  // What it says then depends on where it was met.
  if (!outcome && stopped) outcome = std::unexpected(ended_late());
  const bool stands = connection->usable();
  if (!outcome && !stands && !stopped)
    outcome.error().message += "; whether the statement took effect is not known";
  const bool open = stands && connection->in_transaction();
  const bool keep = open && holder && !holder->closed && !stopped;
  if (open && !holder && outcome) {
    outcome = std::unexpected(Error{ErrorCode::InvalidArgument,
                                    "the statement left a transaction open, which was rolled back",
                                    "begin and commit it in one batch"});
  }
  if (holder) {
    if (holder->connection && !keep && !outcome &&
        contracts::transaction_end(work->order.sql) == contracts::TransactionEnd::No)
      holder->ended.end(outcome.error().message);
    holder->in_transaction = keep || holder->ended;
    holder->connection = keep ? connection : nullptr;
  }
  finish(*work, std::move(outcome));
  work = nullptr;
  if (!keep) co_await put_back(std::move(connection));
}

// Rolls back what is open.
Task<> Pool::put_back(std::shared_ptr<Connection> connection) {
  {
    Alarm alarm(io_.loop(), connection, kUpkeep);
    // One that arrived late would end what is asked next.
    while (connection->cancels > 0 && connection->usable()) {
      Timer moment(io_.loop(), 2ms);
      boost::system::error_code ignored;
      co_await moment.async_wait(asio::redirect_error(use_task, ignored));
    }
    if (connection->usable()) {
      auto ready = co_await connection->roll_back();
      if (ready) ready = co_await connection->reset();
      if (!ready) connection->close();
    }
  }
  if (connection->usable() && !connection->is_large()) {
    idle_.push_back(std::move(connection));
  } else {
    --connections_;
  }
  next();
}

void Pool::stop(std::shared_ptr<Work> work, bool cancelled) {
  if (work->ended || work->late || work->cancelled) return;
  (cancelled ? work->cancelled : work->late) = true;
  if (!work->connection) {
    std::erase(waiting_, work);
    Error late = ended_late();
    late.message = fmt::format("{} did not take the statement within {} ms", options_.shown,
                               options_.timeout.count());
    return finish(*work, std::unexpected(trouble_.value_or(std::move(late))));
  }
  work->connection->cancel();
  auto hangs = std::make_shared<Timer>(io_.loop(), kGrace);
  hangs->async_wait([hangs, work](boost::system::error_code error) {
    if (!error && !work->ended) work->connection->close();
  });
}

void Pool::finish(Work& work, Result<Answer> outcome) {
  if (work.holder) work.holder->busy = false;
  work.ended = true;
  work.admission.reset();
  work.outcome = std::move(outcome);
  work.done->wake();
}

}  // namespace unbolt::providers::sql_postgres
