#include "unbolt/host/telnet_invocation.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <optional>

namespace unbolt::host {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::string_view kHandlerInterface = "unbolt:telnet/handler@0.1.0";
using HandleCall = component::ExportCall<void, component::Own<contracts::TelnetHandle>>;

// A session may last; its deadlines are those of the watchdog.
constexpr std::chrono::hours kForEver{24 * 365 * 10};

// Cancels a call that computes for too long, or goes on when its session is over. Shared, as the
// timer's handler may run after the call.
class Watchdog : public std::enable_shared_from_this<Watchdog> {
 public:
  Watchdog(Executor loop, std::shared_ptr<telnet::Connection> session, milliseconds compute)
      : timer_(loop), session_(std::move(session)), compute_(compute) {}

  void start() {
    session_->on_end([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->over_) return;
      self->leave_by_ = Clock::now() + self->session_->limits().farewell;
      self->timer_.cancel();
      self->look();
    });
    look();
  }
  void stop() {
    over_ = true;
    timer_.cancel();
  }
  asio::cancellation_slot slot() { return signal_.slot(); }
  bool computed_too_long() const { return too_long_; }

 private:
  void look() {
    if (over_) return;
    const auto now = Clock::now();
    auto next = now + compute_;
    if (const auto busy = session_->busy_since()) {
      next = *busy + compute_;
      too_long_ = now >= next;
    }
    if (leave_by_) next = std::min(next, *leave_by_);
    if (too_long_ || (leave_by_ && now >= *leave_by_)) {
      over_ = true;
      signal_.emit(asio::cancellation_type::terminal);
      return;
    }
    timer_.expires_at(next);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
      if (!ec) self->look();
    });
  }

  Timer timer_;
  std::shared_ptr<telnet::Connection> session_;
  milliseconds compute_;
  std::optional<Clock::time_point> leave_by_;
  asio::cancellation_signal signal_;
  bool over_ = false, too_long_ = false;
};

Error failed(const engine::Fault& fault, std::string_view component, telnet::Connection& session,
             bool too_long, Log& log) {
  // That the client left is no news.
  const bool left = fault.kind == engine::Fault::Kind::Cancelled && !too_long;
  const std::string why =
      too_long ? "it computed for too long without waiting for the client" : fault.describe();
  log.line(left ? LogLevel::Debug : LogLevel::Error, component, "telnet session of {}: {}",
           session.peer(), why);
  session.say("this session has failed");
  session.close();
  return fault.to_error();
}

}  // namespace

Result<const component::ExportedFunc*> find_telnet_handler(
    const component::LinkedComponent& component) {
  const auto* handle = component.find_export(kHandlerInterface, "handle");
  if (!handle) return nullptr;
  if (!HandleCall::accepts(*handle, component.resource_ids())) {
    return fail(ErrorCode::Conflict, "the component's {}#handle has another type: {}",
                handle->interface_name, component::to_wit(*handle->type));
  }
  return handle;
}

Task<Result<>> handle_session(ComponentPool& pool, const component::ExportedFunc& handle,
                              std::shared_ptr<telnet::Connection> session, Log& log) {
  const std::string& component = pool.served().name;
  const auto compute = pool.served().limits.timeout;
  auto made = co_await pool.make(Clock::now() + compute, nullptr);
  if (!made) co_return std::unexpected(failed(made.error(), component, *session, false, log));
  std::unique_ptr<LiveInstance> live = std::move(*made);
  component::Instance& instance = live->instance();
  instance.store().set_deadline(Clock::now() + kForEver);

  const auto executor = co_await asio::this_coro::executor;
  const auto watchdog = std::make_shared<Watchdog>(executor, session, compute);
  HandleCall call(instance, handle, std::make_unique<contracts::TelnetHandle>(session));
  if (!call.begin()) {
    watchdog->start();
    co_await asio::co_spawn(executor, instance.store().settle(),
                            asio::bind_cancellation_slot(watchdog->slot(), use_task));
  }
  watchdog->stop();
  auto fault = instance.store().take_fault();
  if (fault && live->wasi().exit_status) {
    fault->kind = engine::Fault::Kind::Exit;
    fault->frames.clear();
  }
  if (fault) {
    co_return std::unexpected(
        failed(*fault, component, *session, watchdog->computed_too_long(), log));
  }
  session->close();
  co_return Result<>();
}

}  // namespace unbolt::host
