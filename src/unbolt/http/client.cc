#include "unbolt/http/client.h"

#include "unbolt/http/exchange.h"
#include "unbolt/http/tls.h"

namespace unbolt::http {
namespace {

class ResponseBody final : public BodyReader {
 public:
  explicit ResponseBody(Ref<Exchange> exchange) : exchange_(std::move(exchange)), body_(exchange_->response_body()) {}
  ~ResponseBody() override { exchange_->drop_response_body(); }

  ByteView available() const override { return body_.available(); }
  void consume(std::size_t size) override {
    body_.consume(size);
    exchange_->on_body_read();
  }
  State state() const override { return body_.state(); }
  const Error& error() const override { return body_.error(); }
  Task<> wait() override { return body_.wait(); }
  const Fields& trailers() const override { return body_.trailers(); }

 private:
  const Ref<Exchange> exchange_;
  IncomingBody& body_;
};

class ExchangeHandle final : public ClientExchange {
 public:
  explicit ExchangeHandle(Ref<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ExchangeHandle() override { exchange_->drop_exchange(); }

  BodyWriter& body() override { return exchange_->request_body(); }
  Task<Result<ClientResponse>> response() override { return take_response(exchange_); }

 private:
  static Task<Result<ClientResponse>> take_response(Ref<Exchange> exchange) {
    auto head = co_await exchange->response_head();
    if (!head) co_return std::unexpected(std::move(head).error());
    co_return ClientResponse{std::move(*head), std::make_unique<ResponseBody>(exchange)};
  }

  const Ref<Exchange> exchange_;
};

class AsioClient final : public Client {
 public:
  AsioClient(Executor loop, ClientOptions options) : core_(new ClientCore(loop, std::move(options))) {}
  ~AsioClient() override {
    core_->closed = true;
    core_->idle.clear();
  }

  Result<std::unique_ptr<ClientExchange>> start(RequestHead head, ClientTimeouts timeouts) override {
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
