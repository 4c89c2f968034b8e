#include "unbolt/postgres/session.h"

#include <boost/asio/redirect_error.hpp>

#include <optional>
#include <utility>

#include "unbolt/postgres/addresses.h"
#include "unbolt/postgres/opening.h"
#include "unbolt/postgres/received.h"

namespace unbolt::postgres {
namespace {

using boost::system::error_code;

// The library never gives its buffers back.
constexpr std::size_t kLarge = 8 << 20;

std::size_t bytes_of(const PGresult* result) {
  std::size_t sum = 0;
  for (int row = 0; row < pq().PQntuples(result); ++row) {
    for (int column = 0; column < pq().PQnfields(result); ++column)
      sum += static_cast<std::size_t>(pq().PQgetlength(result, row, column));
  }
  return sum;
}

// Closes the session at the deadline, unless it was dropped before.
class Deadline {
 public:
  Deadline(const std::shared_ptr<Session>& session, Executor loop, std::chrono::milliseconds after)
      : timer_(loop, after) {
    timer_.async_wait([weak = std::weak_ptr(session), passed = passed_](error_code error) {
      auto session = weak.lock();
      if (error || !session) return;
      *passed = true;
      session->close();
    });
  }
  bool passed() const { return *passed_; }

 private:
  Timer timer_;
  std::shared_ptr<bool> passed_ = std::make_shared<bool>(false);
};

}  // namespace

void Session::Finish::operator()(PGconn* connection) const { pq().PQfinish(connection); }

Session::Session(const ServerOptions& options, ErrorOf error_of, Executor loop)
    : options_(options), error_of_(error_of), descriptor_(loop) {}

// The socket is the library's, which closes it.
Session::~Session() {
  if (descriptor_.is_open()) descriptor_.release();
}

Task<Result<std::shared_ptr<Session>>> Session::open(const ServerOptions& options,
                                                     ErrorOf error_of) {
  Executor loop = co_await asio::this_coro::executor;
  std::shared_ptr<Session> session(new Session(options, error_of, loop));
  Deadline deadline(session, loop, options.timeout);
  Result<> ready = co_await session->connect();
  if (ready) {
    ready = co_await session->run(fmt::format(
        "SET statement_timeout = {0}; SET lock_timeout = {0}; SET client_encoding = 'UTF8'",
        options.timeout.count()));
  }
  if (deadline.passed()) co_return std::unexpected(no_answer(options));
  if (!ready) co_return std::unexpected(std::move(ready.error()));
  co_return session;
}

Task<Result<>> Session::connect() {
  auto servers = co_await find_addresses(options_.uri, options_.shown);
  if (!servers) co_return std::unexpected(std::move(servers.error()));
  // The URI, and what we say ourselves: later values win, but for empty ones.
  const char* const names[] = {"dbname", "host", "hostaddr", "port", "fallback_application_name",
                               nullptr};
  const char* const values[] = {options_.uri.c_str(),
                                servers->host.c_str(),
                                servers->hostaddr.c_str(),
                                servers->port.c_str(),
                                "unbolt",
                                nullptr};
  if (closed_) co_return fail(ErrorCode::Unavailable, "looking up its name took too long");
  connection_.reset(pq().PQconnectStartParams(names, values, 1));
  if (!connection_) co_return fail(ErrorCode::LimitExceeded, "no memory for a connection");
  pq().PQsetNoticeReceiver(connection_.get(), notice, this);
  PostgresPollingStatusType step = PGRES_POLLING_WRITING;
  while (step != PGRES_POLLING_OK) {
    if (step == PGRES_POLLING_FAILED || pq().PQstatus(connection_.get()) == CONNECTION_BAD)
      co_return std::unexpected(connection_error(connection_.get(), options_.shown));
    // It may be another socket at each step, as it tries one address after the other.
    if (descriptor_.is_open()) descriptor_.release();
    error_code error;
    descriptor_.assign(pq().PQsocket(connection_.get()), error);
    if (error) co_return fail(ErrorCode::Io, "a socket cannot be used: {}", error.message());
    if (!co_await wait(step == PGRES_POLLING_READING ? Ready::Read : Ready::Write))
      co_return std::unexpected(lost());
    step = pq().PQconnectPoll(connection_.get());
  }
  if (descriptor_.is_open()) descriptor_.release();
  error_code error;
  descriptor_.assign(pq().PQsocket(connection_.get()), error);
  if (error || pq().PQsetnonblocking(connection_.get(), 1) != 0)
    co_return fail(ErrorCode::Io, "a socket cannot be used: {}", error.message());
  co_return Result<>();
}

Task<bool> Session::wait(Ready ready) {
  if (closed_) co_return false;
  error_code error;
  co_await descriptor_.async_wait(
      ready == Ready::Read ? Descriptor::wait_read : Descriptor::wait_write,
      asio::redirect_error(use_task, error));
  co_return !error && !closed_;
}

Task<Result<>> Session::run(std::string sql) {
  auto done = co_await rows([&](PGconn* to) { return pq().PQsendQuery(to, sql.c_str()); });
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return Result<>();
}

Task<Result<Rows>> Session::run(const Statement& statement, const Parameters& parameters) {
  if (!prepared_.contains(statement.name)) {
    auto prepared = co_await rows([&](PGconn* to) {
      return pq().PQsendPrepare(to, statement.name.c_str(), statement.sql.c_str(), 0, nullptr);
    });
    if (!prepared) co_return prepared;
    prepared_.insert(statement.name);
  }
  note_bytes(parameters.bytes());
  co_return co_await rows([&](PGconn* to) {
    return pq().PQsendQueryPrepared(to, statement.name.c_str(), parameters.size(),
                                    parameters.values().data(), parameters.lengths().data(),
                                    parameters.formats().data(), 1);
  });
}

Task<Result<Rows>> Session::rows(const Send& send) {
  Result<Rows> outcome;
  const auto take = [&](ResultPtr result) {
    switch (pq().PQresultStatus(result.get())) {
      case PGRES_TUPLES_OK:
        note_bytes(bytes_of(result.get()));
        if (outcome) outcome = Rows(std::move(result));
        break;
      case PGRES_COMMAND_OK:
      case PGRES_EMPTY_QUERY: break;
      default:
        if (outcome) outcome = std::unexpected(error_of_(result.get(), options_.shown));
    }
  };
  auto asked = co_await ask(send, take);
  if (!asked) co_return std::unexpected(std::move(asked.error()));
  co_return outcome;
}

Task<Result<>> Session::ask(const Send& send, const Take& take) {
  PGconn* connection = connection_.get();
  if (closed_ || send(connection) == 0) co_return std::unexpected(lost());
  while (true) {
    int left = pq().PQflush(connection);
    if (left < 0) co_return std::unexpected(lost());
    if (left == 0) break;
    if (!co_await wait(Ready::Write)) co_return std::unexpected(lost());
  }
  while (true) {
    if (pq().PQisBusy(connection)) {
      auto there = co_await receive();
      if (!there) co_return there;
    }
    ResultPtr result(pq().PQgetResult(connection));
    if (!result) break;
    take(std::move(result));
    if (closed_) co_return std::unexpected(lost());  // by who took it
  }
  // The library makes a result of its own where the connection breaks.
  if (pq().PQstatus(connection) == CONNECTION_BAD) co_return std::unexpected(lost());
  co_return Result<>();
}

Task<Result<>> Session::receive() {
  PGconn* connection = connection_.get();
  // Most are there with the first reading, which counts nothing.
  std::optional<Received> received;
  do {
    if (!co_await wait(Ready::Read)) co_return std::unexpected(lost());
    if (received) received->before_reading();
    if (pq().PQconsumeInput(connection) == 0) co_return std::unexpected(lost());
    if (!received) {
      received.emplace(pq().PQsocket(connection));
    } else if (received->bytes() > max_result_) {
      close();
      co_return std::unexpected(
          Error{ErrorCode::LimitExceeded,
                fmt::format("one row of the answer has more than {} MiB", max_result_ >> 20),
                "ask for less of it, as with substr()"});
    }
  } while (pq().PQisBusy(connection));
  co_return Result<>();
}

void Session::note_bytes(std::size_t bytes) { is_large_ = is_large_ || bytes > kLarge; }

Error Session::lost() {
  closed_ = true;
  Error error = connection_error(connection_.get(), options_.shown);
  error.code = ErrorCode::Unavailable;
  return error;
}

std::vector<Notification> Session::notifications() {
  std::vector<Notification> told;
  while (PGnotify* one = pq().PQnotifies(connection_.get())) {
    told.push_back({one->extra});
    pq().PQfreemem(one);
  }
  return told;
}

Task<Result<>> Session::wait_for_notifications() {
  if (closed_) co_return std::unexpected(lost());
  error_code error;
  listening_ = true;
  co_await descriptor_.async_wait(Descriptor::wait_read, asio::redirect_error(use_task, error));
  listening_ = false;
  if (!closed_ && error == asio::error::operation_aborted) co_return Result<>();
  if (closed_ || error || pq().PQconsumeInput(connection_.get()) == 0)
    co_return std::unexpected(lost());
  co_return Result<>();
}

void Session::interrupt() {
  error_code ignored;
  if (listening_) descriptor_.cancel(ignored);
}

// A server that ends says so to connections that wait for nothing, as a notice, before it closes
// them.
void Session::notice(void* session, const PGresult* result) {
  const char* severity = pq().PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const std::string_view said = severity ? severity : "";
  if (said == "FATAL" || said == "PANIC") static_cast<Session*>(session)->closed_ = true;
}

bool Session::usable() {
  if (closed_ || pq().PQconsumeInput(connection_.get()) == 0) return false;
  (void)pq().PQisBusy(connection_.get());  // reads the notices among what has come
  return !closed_ && pq().PQstatus(connection_.get()) == CONNECTION_OK;
}

void Session::close() {
  closed_ = true;
  error_code ignored;
  if (descriptor_.is_open()) descriptor_.cancel(ignored);
}

}  // namespace unbolt::postgres
