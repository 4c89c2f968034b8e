#include "unbolt/providers/kv_postgres/client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <utility>

#include "unbolt/providers/kv_postgres/errors.h"

namespace unbolt::providers::kv_postgres {
namespace {

using namespace std::chrono_literals;

// Between attempts to connect, doubled each time.
constexpr auto kFirstPause = 20ms;
constexpr auto kLongestPause = 1s;
// For the server to end a statement after its deadline, before its connection is given up.
constexpr auto kGrace = 500ms;

}  // namespace

Client::Client(const KvPostgresOptions& options, Log& log)
    : options_(options),
      statements_(options.table),
      log_(log),
      listener_(options_, statements_, io_.loop()),
      waiting_deadline_(io_.loop()) {}

Client::~Client() { io_.stop(); }

Result<std::shared_ptr<Client>> Client::open(const KvPostgresOptions& options, Log& log,
                                             BlockingPool& blocking) {
  std::shared_ptr<Client> client(new Client(options, log), [&blocking](Client* last) {
    blocking.post([last]() noexcept { delete last; });
  });
  // A connection, and the tables.
  UNBOLT_TRY(postgres::first_answer(client->io_.loop(), client->prepare_tables(),
                                    2 * options.timeout + 500ms, options));
  asio::post(client->io_.loop(), [client = client.get()] { client->start_worker(); });
  return client;
}

Task<Result<>> Client::prepare_tables() {
  auto opened = co_await Session::open(options_, error_of);
  if (!opened) co_return std::unexpected(std::move(opened.error()));
  auto session = std::move(*opened);
  Timer late(io_.loop(), options_.timeout);
  late.async_wait([weak = std::weak_ptr(session)](boost::system::error_code error) {
    auto session = weak.lock();
    if (!error && session) session->close();
  });
  // Who may use the tables need not be allowed to make them.
  Parameters names;
  names.add(options_.table).add(options_.table + "_watch");
  auto there = co_await session->run(statements_.is_there, names);
  if (!there) co_return std::unexpected(std::move(there.error()));
  if (there->count() == 0) {
    auto made = co_await session->run(statements_.create);
    if (!made) co_return made;
  }
  auto columns = co_await session->run(statements_.columns, Parameters());
  constexpr std::uint32_t kBytea = 17;
  bool ours = columns && columns->columns() == 4;
  for (int i = 0; ours && i < 4; ++i) ours = columns->type(i) == kBytea;
  if (ours) co_return Result<>();
  if (!columns && columns.error().code != ErrorCode::Conflict)
    co_return std::unexpected(std::move(columns.error()));
  co_return std::unexpected(Error{ErrorCode::Conflict,
                                  fmt::format("the table '{}' of {} is not one of key-value pairs",
                                              options_.table, options_.shown),
                                  "name another with table="});
}

Task<Result<Rows>> Client::call(std::shared_ptr<Client> self, const Statement& statement,
                                Parameters parameters) {
  auto request = std::make_shared<Request>(statement, std::move(parameters));
  auto place = self->admission_.admit(request->parameters.bytes());
  if (!place) co_return std::unexpected(std::move(place.error()));
  request->admission = std::move(*place);
  request->deadline = Clock::now() + self->options_.timeout;
  co_await suspend([&](Resume resume) {
    request->resume = std::move(resume);
    // This frame may be gone before `enqueue` returns.
    auto keep = self;  // NOLINT(performance-unnecessary-copy-initialization)
    keep->enqueue(request);
  });
  co_return std::move(request->outcome);
}

Task<Result<>> Client::listen(std::shared_ptr<Client> self) {
  Result<> outcome;
  co_await suspend([&](Resume resume) {
    auto keep = self;  // NOLINT(performance-unnecessary-copy-initialization)
    asio::post(keep->io_.loop(),
               [listener = &keep->listener_, &outcome, resume = std::move(resume)]() mutable {
                 listener->ready([&outcome, resume = std::move(resume)](Result<> result) mutable {
                   outcome = std::move(result);
                   resume();
                 });
               });
  });
  co_return outcome;
}

void Client::enqueue(std::shared_ptr<Request> request) {
  bool idle = false;
  {
    std::lock_guard lock(mutex_);
    idle = inbox_.empty();
    inbox_.push_back(std::move(request));
  }
  if (idle) asio::post(io_.loop(), [this] { take_inbox(); });
}

void Client::take_inbox() {
  std::vector<std::shared_ptr<Request>> taken;
  {
    std::lock_guard lock(mutex_);
    taken.swap(inbox_);
  }
  for (auto& request : taken) submit(std::move(request));
}

void Client::finish(Request& request, Result<Rows> outcome) {
  if (!request.resume) return;
  request.outcome = std::move(outcome);
  std::exchange(request.resume, nullptr)();
}

void Client::submit(std::shared_ptr<Request> request) {
  if (trouble_ && Clock::now() - trouble_since_ > options_.timeout)
    return finish(*request, std::unexpected(*trouble_));
  waiting_.push_back(std::move(request));
  watch_waiting();
  auto idle = std::ranges::find_if(workers_, [](const auto& worker) { return worker->idle; });
  if (idle != workers_.end()) {
    (*idle)->idle = false;
    (*idle)->wake.cancel();
  } else {
    start_worker();
  }
}

void Client::start_worker() {
  if (workers_.size() >= options_.connections) return;
  workers_.push_back(std::make_unique<Worker>(io_.loop()));
  asio::co_spawn(io_.loop(), work(*workers_.back()), asio::detached);
}

Task<> Client::pause(Worker& worker, std::chrono::milliseconds time) {
  worker.wake.expires_after(time);
  boost::system::error_code ignored;
  co_await worker.wake.async_wait(asio::redirect_error(use_task, ignored));
}

Task<> Client::work(Worker& worker) {
  auto time = kFirstPause;
  for (bool first = true;; first = false) {
    if (!first && waiting_.empty() && !trouble_) {
      worker.idle = true;
      co_await pause(worker, 24h);
      worker.idle = false;
      continue;
    }
    auto session = co_await connected();
    if (session) {
      time = kFirstPause;
      if (first) start_worker();
      co_await serve(worker, session);
      --sessions_;
    } else {
      co_await pause(worker, time);
      time = std::min<std::chrono::milliseconds>(time * 2, kLongestPause);
    }
  }
}

// A session, which counts among those that are open; null, and why, where there is none.
Task<std::shared_ptr<Session>> Client::connected() {
  auto opened = co_await Session::open(options_, error_of);
  if (opened) {
    if (trouble_) log_.line(LogLevel::Info, "postgres", "{} is back", options_.shown);
    trouble_.reset();
    ++sessions_;
    co_return std::move(*opened);
  }
  if (sessions_ > 0) {
    // The others serve; or they do not know yet that their connections are lost.
    for (auto& worker : workers_) {
      if (std::exchange(worker->idle, false)) worker->wake.cancel();
    }
    co_return nullptr;
  }
  if (!trouble_) {
    trouble_since_ = Clock::now();
    log_.line(LogLevel::Warn, "postgres", "{}; connecting again", opened.error().message);
  }
  trouble_ = std::move(opened.error());
  co_return nullptr;
}

// Until the connection is lost, or has grown too large.
Task<> Client::serve(Worker& worker, std::shared_ptr<Session> session) {
  while (true) {
    if (!session->usable() || session->is_large()) co_return;
    if (waiting_.empty()) {
      worker.idle = true;
      co_await pause(worker, 24h);
      worker.idle = false;
      continue;
    }
    auto request = std::move(waiting_.front());
    waiting_.pop_front();
    watch_deadline(worker, request, session);
    auto rows = co_await session->run(request->statement, request->parameters);
    worker.late.cancel();
    if (!rows && !session->usable()) {
      rows.error().message += "; whether this call took effect is not known";
      finish(*request, std::move(rows));
      co_return;
    }
    finish(*request, std::move(rows));
  }
}

void Client::watch_deadline(Worker& worker, std::shared_ptr<Request> request,
                            std::weak_ptr<Session> session) {
  worker.late.expires_at(request->deadline);
  worker.late.async_wait([this, &worker, request, session](boost::system::error_code error) {
    if (error || !request->resume) return;
    finish(*request,
           fail(ErrorCode::Timeout,
                "{} did not answer within {} ms; whether this call took effect is not known",
                options_.shown, options_.timeout.count()));
    // The server ends the statement by itself; one that hangs does not.
    worker.late.expires_after(options_.timeout + kGrace);
    worker.late.async_wait([session](boost::system::error_code error) {
      auto late = session.lock();
      if (!error && late) late->close();
    });
  });
}

void Client::watch_waiting() {
  if (waiting_watched_ || waiting_.empty()) return;
  waiting_watched_ = true;
  // Not each call moves the timer: it looks again some time later.
  waiting_deadline_.expires_at(std::max(waiting_.front()->deadline, Clock::now() + 5ms));
  waiting_deadline_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    waiting_watched_ = false;
    while (!waiting_.empty() && waiting_.front()->deadline <= Clock::now()) {
      Error late{ErrorCode::Timeout,
                 fmt::format("{} did not take a call within {} ms", options_.shown,
                             options_.timeout.count()),
                 {}};
      finish(*waiting_.front(), std::unexpected(trouble_.value_or(late)));
      waiting_.pop_front();
    }
    watch_waiting();
  });
}

}  // namespace unbolt::providers::kv_postgres
