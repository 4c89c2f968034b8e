#include "unbolt/nats/connection.h"

#include <nats/nats.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "unbolt/contracts/text.h"
#include "unbolt/nats/awaited.h"
#include "unbolt/nats/sender.h"
#include "unbolt/nats/subscriber.h"

namespace unbolt::nats {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long after a reconnection the server's parts may still be missing.
constexpr std::chrono::seconds kSettling{10};
// Of a status line, names and separators of headers.
constexpr std::size_t kHeaderLine = 16;

struct Deleters {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
  void operator()(natsConnection* connection) const { natsConnection_Destroy(connection); }
  void operator()(natsInbox* inbox) const { natsInbox_Destroy(inbox); }
};

std::string_view text_or_nothing(const char* text) { return text ? text : ""; }

// A request that waits for its answer.
struct Pending {
  std::shared_ptr<Awaited<Incoming>> answer = std::make_shared<Awaited<Incoming>>();
  std::shared_ptr<Sending> sending = std::make_shared<Sending>();
};

// What the library's callbacks reach; they end when the connection is closed, which may be after
// the `Connection` is gone.
struct Shared {
  Shared(Log& where, std::string text) : log(where), shown(std::move(text)) {}

  Log& log;
  const std::string shown;
  std::atomic<std::uint64_t> generation = 0;
  std::atomic<Clock::rep> settled_at = 0;  // since the clock's epoch
  std::mutex mutex;
  std::map<std::uint64_t, Pending> pending;
  std::atomic<bool> closing = false;
  // The library's own answers wait for its lock, which it holds while it connects.
  std::atomic<bool> connected = false;
  std::atomic<std::int64_t> max_payload = 0;

  void connect(natsConnection* connection) {
    max_payload = std::max<std::int64_t>(natsConnection_GetMaxPayload(connection), 0);
    connected = true;
  }

  void unsettle(std::chrono::seconds for_so_long) {
    settled_at = (Clock::now() + for_so_long).time_since_epoch().count();
  }
  void lost() {
    std::lock_guard lock(mutex);
    for (auto& [number, request] : pending) {
      if (!request.sending->sent) continue;
      request.answer->set(std::unexpected(
          Error{ErrorCode::ConnectionClosed,
                fmt::format("{}: the connection was lost before an answer came", shown),
                {}}));
    }
  }
};

std::shared_ptr<Shared>& shared_of(void* closure) {
  return *static_cast<std::shared_ptr<Shared>*>(closure);
}

void on_disconnected(natsConnection*, void* closure) noexcept {
  Shared& shared = *shared_of(closure);
  shared.connected = false;
  shared.unsettle(kSettling);
  shared.lost();
  if (!shared.closing)
    shared.log.line(LogLevel::Warn, "nats", "{}: the connection is lost; connecting anew",
                    shared.shown);
}
void on_reconnected(natsConnection* connection, void* closure) noexcept {
  Shared& shared = *shared_of(closure);
  shared.connect(connection);
  shared.unsettle(kSettling);
  shared.lost();
  ++shared.generation;
  shared.log.line(LogLevel::Info, "nats", "{}: connected again", shared.shown);
}
void on_closed(natsConnection* connection, void* closure) noexcept {
  Shared& shared = *shared_of(closure);
  if (!shared.closing) {
    const char* why = nullptr;
    natsConnection_GetLastError(connection, &why);
    shared.log.line(LogLevel::Error, "nats", "{}: the connection is closed for good: {}",
                    shared.shown, text_or_nothing(why));
  }
  shared.connected = false;
  shared.lost();
  delete static_cast<std::shared_ptr<Shared>*>(closure);
}
void on_error(natsConnection* connection, natsSubscription*, natsStatus status,
              void* closure) noexcept {
  Shared& shared = *shared_of(closure);
  const char* why = nullptr;
  natsConnection_GetLastError(connection, &why);
  shared.log.line(LogLevel::Warn, "nats", "{}: {}: {}", shared.shown, natsStatus_GetText(status),
                  contracts::printable(text_or_nothing(why), 300));
}

class LibraryConnection final : public Connection {
 public:
  LibraryConnection(const Options& options, Log& log, BlockingPool& blocking)
      : Connection(options, log, blocking), shared_(std::make_shared<Shared>(log, options.shown)) {}

  ~LibraryConnection() override {
    shared_->closing = true;
    if (sender_) sender_->stop();
    answers_.reset();
    if (connection_) natsConnection_Close(connection_.get());
  }

  Result<> connect();

  Task<Result<>> publish(Outgoing message, Time deadline) override {
    if (auto ok = check_size(message); !ok) co_return ok;
    auto done = std::make_shared<Awaited<void>>();
    auto sending = std::make_shared<Sending>();
    Leave leave{*sending};
    const bool queued =
        sender_->push({std::move(message), deadline, sending, Sender::Until::Confirmed,
                       [done](Result<> result) { done->set(std::move(result)); }});
    if (!queued) co_return std::unexpected(queue_is_full());
    auto result = co_await done->wait_until(deadline);
    if (result) co_return std::move(*result);
    co_return std::unexpected(no_answer());
  }

  Task<Result<Incoming>> request(Outgoing message, Time deadline) override {
    if (auto ok = check_size(message); !ok) co_return std::unexpected(std::move(ok.error()));
    Pending pending;
    Leave leave{*pending.sending};
    Registered registered{*this, ++last_request_};
    message.reply_to = fmt::format("{}.{}", inbox_, registered.number);
    {
      std::lock_guard lock(shared_->mutex);
      shared_->pending.emplace(registered.number, pending);
    }
    const std::string subject = message.subject;
    const bool queued =
        sender_->push({std::move(message), deadline, pending.sending, Sender::Until::Written,
                       [answer = pending.answer](Result<> result) {
                         answer->set(std::unexpected(std::move(result.error())));
                       }});
    if (!queued) co_return std::unexpected(queue_is_full());
    auto answer = co_await pending.answer->wait_until(deadline);
    if (!answer) co_return std::unexpected(no_answer());
    if (*answer && (*answer)->status() == 503)
      co_return fail(ErrorCode::NotFound, "{}: nobody listens to '{}'", options().shown, subject);
    co_return std::move(*answer);
  }

  void send(Outgoing message) override {
    if (check_size(message))
      sender_->push({std::move(message), deadline(), nullptr, Sender::Until::Written, nullptr});
  }

  Task<Result<>> flush(Time deadline) override {
    // To where nobody listens.
    co_return co_await publish(Outgoing{inbox_ + ".flush", {}, {}, {}}, deadline);
  }

  Result<std::unique_ptr<Subscriber>> subscribe(const std::string& subject,
                                                const std::string& group,
                                                OnMessage on_message) override {
    for (const auto until = deadline(); !connected();) {
      if (Clock::now() >= until) return std::unexpected(no_answer());
      std::this_thread::sleep_for(milliseconds(20));
    }
    return make_subscriber(connection_.get(), shared_from_this(), subject, group,
                           std::move(on_message), options().timeout);
  }

  void tick(std::weak_ptr<void> owner, std::function<void()> work) override {
    sender_->tick(std::move(owner), std::move(work));
  }

  std::size_t max_payload() const override {
    return static_cast<std::size_t>(shared_->max_payload.load());
  }
  bool connected() const override { return shared_->connected; }
  std::uint64_t generation() const override { return shared_->generation; }
  bool unsettled() const override {
    return !connected() || Clock::now().time_since_epoch().count() < shared_->settled_at;
  }
  std::string new_inbox() override { return fmt::format("{}.s{}", inbox_, ++last_inbox_); }

 private:
  struct Leave {
    Sending& sending;
    ~Leave() { sending.left = true; }
  };
  struct Registered {
    LibraryConnection& of;
    std::uint64_t number;
    ~Registered() {
      std::lock_guard lock(of.shared_->mutex);
      of.shared_->pending.erase(number);
    }
  };

  Result<> check_size(const Outgoing& message) const {
    std::size_t size = message.body.size();
    if (!message.headers.empty()) size += kHeaderLine;
    for (const auto& [name, value] : message.headers) size += name.size() + value.size() + 4;
    if (size <= max_payload()) return {};
    return fail(ErrorCode::LimitExceeded,
                "{}: a message of {} bytes: the server takes at most {} (its max_payload)",
                options().shown, size, max_payload());
  }
  Error queue_is_full() const {
    return Error{ErrorCode::LimitExceeded,
                 fmt::format("{}: {} bytes wait to be sent, the most there may be (queue_bytes)",
                             options().shown, options().queue_bytes),
                 {}};
  }
  Error no_answer() const {
    if (connected())
      return Error{ErrorCode::Timeout,
                   fmt::format("{}: the server did not answer in time", options().shown),
                   {}};
    return Error{ErrorCode::Unavailable, fmt::format("{}: not connected", options().shown), {}};
  }

  std::shared_ptr<Shared> shared_;
  std::unique_ptr<natsConnection, Deleters> connection_;
  std::string inbox_;
  std::atomic<std::uint64_t> last_request_ = 0, last_inbox_ = 0;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<Subscriber> answers_;
};

// Of the library's options, so that a file which cannot be read is named.
Result<> apply(natsStatus status, std::string_view what, const Options& options) {
  if (status == NATS_OK) return {};
  return fail(ErrorCode::InvalidArgument, "{}: {}: {}", options.shown, what,
              contracts::printable(text_or_nothing(nats_GetLastError(nullptr)), 300));
}

Error connect_error(natsStatus status, const Options& options) {
  const auto why = contracts::printable(text_or_nothing(nats_GetLastError(nullptr)), 300);
  auto error = [&](ErrorCode code, std::string_view text) {
    return Error{
        code, fmt::format("{}: cannot connect to {}: {}", options.shown, options.server, text), {}};
  };
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      return error(ErrorCode::Denied, "the server does not accept the user, password or token");
    case NATS_TIMEOUT:
      return error(ErrorCode::Timeout,
                   fmt::format("no answer within {} ms", options.connect_timeout.count()));
    case NATS_NO_SERVER:
      return error(ErrorCode::Unavailable, "nobody listens there, or the host is not reachable");
    case NATS_SECURE_CONNECTION_REQUIRED:
    case NATS_SECURE_CONNECTION_WANTED:
    case NATS_SSL_ERROR: return error(ErrorCode::Unavailable, "TLS: " + why);
    default: return error(ErrorCode::Unavailable, why.empty() ? natsStatus_GetText(status) : why);
  }
}

// Connects on a thread of its own: where a server hangs just after its greeting the library waits
// for it without end. Such a thread is left behind, and takes down what it gets in the end.
Result<natsConnection*> attempt(std::unique_ptr<natsOptions, Deleters> settings,
                                std::shared_ptr<Shared>* closure, const Options& wanted) {
  struct Attempt {
    std::mutex mutex;
    std::condition_variable ended;
    std::optional<Result<natsConnection*>> outcome;
    bool abandoned = false;
  };
  auto made = std::make_shared<Attempt>();
  const auto patience = 2 * wanted.connect_timeout + milliseconds(500);
  std::thread([made, closure, wanted, settings = std::move(settings)]() mutable noexcept {
    natsConnection* connected = nullptr;
    const auto status = natsConnection_Connect(&connected, settings.get());
    const bool is_open = status == NATS_OK;
    Result<natsConnection*> outcome = connected;
    if (!is_open) outcome = std::unexpected(connect_error(status, wanted));
    std::unique_lock lock(made->mutex);
    const bool abandoned = made->abandoned;
    if (!abandoned) {
      made->outcome = std::move(outcome);
      made->ended.notify_one();
    }
    lock.unlock();
    if (!is_open) delete closure;
    if (is_open && abandoned) {
      (*closure)->closing = true;
      natsConnection_Destroy(connected);  // and the closure with it
    }
    nats_ReleaseThreadMemory();
  }).detach();
  std::unique_lock lock(made->mutex);
  if (made->ended.wait_for(lock, patience, [&] { return made->outcome.has_value(); }))
    return std::move(*made->outcome);
  made->abandoned = true;
  return std::unexpected(connect_error(NATS_TIMEOUT, wanted));
}

Result<> LibraryConnection::connect() {
  const Options& wanted = options();
  natsOptions* made = nullptr;
  if (natsOptions_Create(&made) != NATS_OK)
    return fail(ErrorCode::Internal, "the NATS library cannot be initialized");
  std::unique_ptr<natsOptions, Deleters> settings(made);
  const std::string url = "nats://" + wanted.server;
  UNBOLT_TRY(apply(natsOptions_SetURL(made, url.c_str()), "the address", wanted));
  if (!wanted.user.empty())
    natsOptions_SetUserInfo(made, wanted.user.c_str(), wanted.password.c_str());
  if (!wanted.token.empty()) natsOptions_SetToken(made, wanted.token.c_str());
  if (wanted.tls) UNBOLT_TRY(apply(natsOptions_SetSecure(made, true), "tls", wanted));
  if (!wanted.tls_ca.empty())
    UNBOLT_TRY(apply(natsOptions_LoadCATrustedCertificates(made, wanted.tls_ca.c_str()), "tls_ca",
                     wanted));
  if (!wanted.tls_cert.empty())
    UNBOLT_TRY(apply(
        natsOptions_LoadCertificatesChain(made, wanted.tls_cert.c_str(), wanted.tls_key.c_str()),
        "tls_cert", wanted));
  natsOptions_SetName(made, "unbolt");
  natsOptions_SetTimeout(made, wanted.connect_timeout.count());
  natsOptions_SetAllowReconnect(made, true);
  natsOptions_SetMaxReconnect(made, -1);
  natsOptions_SetReconnectWait(made, 100);
  natsOptions_SetReconnectJitter(made, 100, 200);
  natsOptions_SetPingInterval(made, 10'000);
  natsOptions_SetMaxPingsOut(made, 2);
  natsOptions_SetWriteDeadline(made, wanted.timeout.count());
  natsOptions_UseGlobalMessageDelivery(made, true);
  auto* closure = new std::shared_ptr<Shared>(shared_);
  natsOptions_SetDisconnectedCB(made, &on_disconnected, closure);
  natsOptions_SetReconnectedCB(made, &on_reconnected, closure);
  natsOptions_SetClosedCB(made, &on_closed, closure);
  natsOptions_SetErrorHandler(made, &on_error, closure);
  auto connected = attempt(std::move(settings), closure, wanted);
  if (!connected) return std::unexpected(std::move(connected.error()));
  connection_.reset(*connected);
  shared_->connect(*connected);
  natsInbox* inbox = nullptr;
  if (natsInbox_Create(&inbox) != NATS_OK)
    return fail(ErrorCode::Internal, "no randomness for a NATS inbox");
  inbox_ = std::unique_ptr<natsInbox, Deleters>(inbox).get();
  sender_ = std::make_unique<Sender>(connection_.get(), shared_->connected, wanted.shown,
                                     wanted.queue_bytes);
  auto answers = make_subscriber(
      connection_.get(), nullptr, inbox_ + ".*", "",
      [shared = shared_, at = inbox_.size() + 1](Incoming message) {
        const auto subject = message.subject();
        std::uint64_t number = 0;
        if (subject.size() <= at) return;
        const auto [end, error] =
            std::from_chars(subject.data() + at, subject.data() + subject.size(), number);
        if (error != std::errc() || end != subject.data() + subject.size()) return;
        std::lock_guard lock(shared->mutex);
        const auto found = shared->pending.find(number);
        if (found != shared->pending.end()) found->second.answer->set(std::move(message));
      },
      wanted.timeout);
  if (!answers) return std::unexpected(std::move(answers.error()));
  answers_ = std::move(*answers);
  return {};
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::open(const Options& options, Log& log,
                                                     BlockingPool& blocking) {
  std::shared_ptr<LibraryConnection> connection(
      new LibraryConnection(options, log, blocking),
      [&blocking](LibraryConnection* last) { blocking.post([last]() noexcept { delete last; }); });
  UNBOLT_TRY(connection->connect());
  return connection;
}

}  // namespace unbolt::nats
