#include "unbolt/providers/kv_redis/session.h"

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>

#include <utility>

#include "unbolt/providers/kv_redis/command.h"

namespace unbolt::providers::redis {
namespace {

using boost::system::error_code;

constexpr std::size_t kReadBytes = 64 << 10;

// A host that vanished is noticed within half a minute, also where nothing is sent.
void set_keep_alive(int socket) {
  auto set = [&](int level, int name, int value) {
    (void)::setsockopt(socket, level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
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

void Session::FreeReader::operator()(redisReader* reader) const { redisReaderFree(reader); }

Session::Session(const KvRedisOptions& options, Executor loop)
    : options_(options),
      socket_(loop),
      reader_(redisReaderCreate()),
      buffer_(kReadBytes),
      last_read_(std::chrono::steady_clock::now()) {}
Session::~Session() = default;

Task<Result<std::shared_ptr<Session>>> Session::open(const KvRedisOptions& options,
                                                     asio::ssl::context* tls) {
  Executor loop = co_await asio::this_coro::executor;
  std::shared_ptr<Session> session(new Session(options, loop));
  Deadline deadline(session, loop, options.timeout);
  Result<> ready = co_await session->connect(tls);
  if (ready) ready = co_await session->greet();
  if (deadline.passed()) {
    co_return std::unexpected(Error{
        ErrorCode::Unavailable,
        fmt::format("{} does not answer within {} ms", options.shown(), options.timeout.count()),
        "is it running, and reachable from here?"});
  }
  if (!ready) co_return std::unexpected(std::move(ready.error()));
  co_return session;
}

Task<Result<>> Session::connect(asio::ssl::context* tls) {
  const contracts::ServerAddress& server = options_.server;
  auto unreachable = [&](const error_code& why) {
    return std::unexpected(
        Error{ErrorCode::Unavailable,
              fmt::format("{} cannot be reached: {}", options_.shown(), why.message()),
              "is it running, and reachable from here?"});
  };
  error_code error;
  auto token = asio::redirect_error(use_task, error);
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(socket_.get_executor());
  auto found = co_await resolver.async_resolve(server.host, std::to_string(server.port), token);
  if (error) co_return unreachable(error);
  co_await asio::async_connect(socket_, found, token);
  if (error) co_return unreachable(error);
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  set_keep_alive(socket_.native_handle());
  if (!tls) co_return Result<>();
  tls_.emplace(socket_, *tls);
  tls_->set_verify_callback(asio::ssl::host_name_verification(server.host), error);
  SSL_set_tlsext_host_name(tls_->native_handle(), server.host.c_str());
  co_await tls_->async_handshake(asio::ssl::stream_base::client, token);
  if (error) {
    co_return std::unexpected(Error{
        ErrorCode::Unavailable,
        fmt::format("no TLS with {}: {}", options_.shown(), error.message()),
        "does it speak TLS on this port (else redis://), with a certificate for this name (ca=)?"});
  }
  co_return Result<>();
}

Task<Result<>> Session::greet() {
  std::vector<Command> commands;
  if (!options_.server.password.empty() || !options_.server.user.empty()) {
    Command& auth = commands.emplace_back("AUTH");
    if (!options_.server.user.empty()) auth.add(options_.server.user);
    auth.add(options_.server.password);
  }
  commands.emplace_back("SELECT").add(std::to_string(options_.database));
  std::string text;
  for (Command& command : commands) {
    command.end();
    text.append(command.head()).append(command.tail());
  }
  asio::const_buffer buffer = asio::buffer(text);
  auto sent = co_await write({&buffer, 1});
  if (!sent) co_return std::unexpected(std::move(sent.error()));
  // The first refusal tells most.
  for (std::size_t i = 0; i < commands.size(); ++i) {
    auto reply = co_await read();
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    ReplyView view(reply->get());
    if (view.is_error()) co_return std::unexpected(error_of(view.text(), options_.shown()));
  }
  co_return Result<>();
}

Error Session::lost(const error_code& why) const {
  return Error{ErrorCode::Unavailable,
               fmt::format("the connection to {} was lost: {}", options_.shown(),
                           why == asio::error::eof ? "closed by the server" : why.message()),
               {}};
}

Result<ReplyPtr> Session::arrived() {
  void* raw = nullptr;
  if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
    return std::unexpected(unexpected_reply(options_.shown()));
  }
  return ReplyPtr(static_cast<redisReply*>(raw));
}

Task<Result<ReplyPtr>> Session::read() {
  while (true) {
    auto reply = arrived();
    if (!reply || *reply) co_return reply;
    error_code error;
    auto token = asio::redirect_error(use_task, error);
    std::size_t size = tls_ ? co_await tls_->async_read_some(asio::buffer(buffer_), token)
                            : co_await socket_.async_read_some(asio::buffer(buffer_), token);
    if (error) co_return std::unexpected(lost(error));
    last_read_ = std::chrono::steady_clock::now();
    if (redisReaderFeed(reader_.get(), buffer_.data(), size) != REDIS_OK)
      co_return fail(ErrorCode::LimitExceeded, "no memory for a reply of {}", options_.shown());
  }
}

Task<Result<>> Session::write(std::span<const asio::const_buffer> buffers) {
  error_code error;
  auto token = asio::redirect_error(use_task, error);
  if (tls_) {
    co_await asio::async_write(*tls_, buffers, token);
  } else {
    co_await asio::async_write(socket_, buffers, token);
  }
  if (error) co_return std::unexpected(lost(error));
  co_return Result<>();
}

void Session::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace unbolt::providers::redis
