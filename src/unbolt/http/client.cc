#include "unbolt/http/client.h"

#include "unbolt/http/exchange.h"
#include "unbolt/http/tls.h"

namespace unbolt::http {
namespace {

class ResponseBody final : public BodyReader {
 public:
  explicit ResponseBody(Ref<Exchange> exchange)
      : exchange_(std::move(exchange)), body_(exchange_->response_body()) {}
  ~ResponseBody() override { exchange_->drop_response_body(); }

  ByteView available() const override { return body_.available(); }
  void consume(std::size_t size) override {
    body_.consume(size);
    exchange_->on_body_read();
  }
  State state() const override { return body_.state(); }
  const Error& error() const override { return body_.error(); }
  Task<> wait() override { return wait_for(exchange_); }
  const Fields& trailers() const override { return body_.trailers(); }

 private:
  // Whoever waits keeps the exchange, which may be dropped in the meantime.
  static Task<> wait_for(Ref<Exchange> exchange) { co_await exchange->response_body().wait(); }

  const Ref<Exchange> exchange_;
  IncomingBody& body_;
};

class RequestBody final : public BodyWriter {
 public:
  explicit RequestBody(Ref<Exchange> exchange)
      : exchange_(std::move(exchange)), body_(exchange_->request_body()) {}

  std::size_t capacity() const override { return body_.capacity(); }
  Result<> write(ByteView bytes) override { return body_.write(bytes); }
  void flush() override { body_.flush(); }
  Task<> wait() override { return wait_for(exchange_); }
  Task<Result<>> drained() override { return drain(exchange_); }
  Result<> finish(Fields trailers) override { return body_.finish(std::move(trailers)); }
  void abort() override { body_.abort(); }

 private:
  static Task<> wait_for(Ref<Exchange> exchange) { co_await exchange->request_body().wait(); }
  static Task<Result<>> drain(Ref<Exchange> exchange) {
    co_return co_await exchange->request_body().drained();
  }

  const Ref<Exchange> exchange_;
  OutgoingBody& body_;
};

class ExchangeHandle final : public ClientExchange {
 public:
  explicit ExchangeHandle(Ref<Exchange> exchange)
      : exchange_(std::move(exchange)), body_(exchange_) {}
  ~ExchangeHandle() override { exchange_->drop_exchange(); }

  BodyWriter& body() override { return body_; }
  Task<Result<ClientResponse>> response() override { return take_response(exchange_); }

 private:
  static Task<Result<ClientResponse>> take_response(Ref<Exchange> exchange) {
    auto head = co_await exchange->response_head();
    if (!head) co_return std::unexpected(std::move(head).error());
    co_return ClientResponse{std::move(*head), std::make_unique<ResponseBody>(exchange)};
  }

  const Ref<Exchange> exchange_;
  RequestBody body_;
};

class AsioClient final : public Client {
 public:
  AsioClient(Executor loop, ClientOptions options)
      : core_(new ClientCore(loop, std::move(options))) {}
  ~AsioClient() override {
    core_->closed = true;
    core_->idle.clear();
  }

  Result<std::unique_ptr<ClientExchange>> start(RequestHead head,
                                                ClientTimeouts timeouts) override {
    UNBOLT_ASSIGN(Origin origin, parse_origin(head));
    if (origin.tls && !core_->tls) {
      UNBOLT_ASSIGN(core_->tls, make_tls_context(core_->options.ca_file));
    }
    Ref<Exchange> exchange(new Exchange(core_, std::move(head), timeouts, std::move(origin)));
    UNBOLT_TRY(exchange->start());
    return std::make_unique<ExchangeHandle>(std::move(exchange));
  }

 private:
  const Ref<ClientCore> core_;
};

}  // namespace

std::unique_ptr<Client> make_client(Executor loop, ClientOptions options) {
  return std::make_unique<AsioClient>(loop, std::move(options));
}

}  // namespace unbolt::http
