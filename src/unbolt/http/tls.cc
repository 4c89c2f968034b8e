#include "unbolt/http/tls.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "unbolt/http/channel.h"

namespace unbolt::http {
namespace {

class TlsTransport final : public Transport {
 public:
  TlsTransport(Socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  asio::ssl::stream<Socket>& stream() { return stream_; }

  void async_read(asio::mutable_buffer into, Ref<Channel> channel) override {
    stream_.async_read_some(
        into, [channel = std::move(channel)](boost::system::error_code error, std::size_t size) {
          channel->on_read(error, size);
        });
  }
  void async_write(asio::const_buffer from, Ref<Channel> channel) override {
    stream_.async_write_some(
        from, [channel = std::move(channel)](boost::system::error_code error, std::size_t size) {
          channel->on_written(error, size);
        });
  }
  std::size_t try_write(asio::const_buffer, boost::system::error_code&) override { return 0; }

  // Bytes may be a session ticket, of no concern to HTTP.
  Peek peek() override {
    return peek_at(stream_.next_layer()) == Peek::Closed ? Peek::Closed : Peek::Nothing;
  }

  void shutdown() override {
    boost::system::error_code ignored;
    stream_.next_layer().shutdown(Socket::shutdown_send, ignored);
  }
  void close(How how) override {
    boost::system::error_code ignored;
    if (how == How::Reset)
      stream_.next_layer().set_option(asio::socket_base::linger(true, 0), ignored);
    stream_.next_layer().close(ignored);
  }

 private:
  asio::ssl::stream<Socket> stream_;
};

Error handshake_error(SSL* ssl, const std::string& host, const boost::system::error_code& error) {
  long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) {
    return {ErrorCode::Denied,
            fmt::format("the certificate of '{}' does not verify: {}", host,
                        X509_verify_cert_error_string(verified)),
            {}};
  }
  bool left = error == asio::error::eof || error == asio::error::connection_reset ||
              error == asio::ssl::error::stream_truncated;
  return {left ? ErrorCode::ConnectionClosed : ErrorCode::ProtocolError,
          fmt::format("the TLS handshake with '{}' failed: {}", host, error.message()),
          {}};
}

}  // namespace

Result<std::unique_ptr<asio::ssl::context>> make_tls_context(const std::string& ca_file) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(asio::ssl::verify_peer);
  static constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context->native_handle(), kProtocols, sizeof kProtocols - 1);
  boost::system::error_code error;
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(ca_file, error);
  }
  if (error) {
    return fail(ErrorCode::InvalidFile, "cannot read the trusted roots{}{}: {}",
                ca_file.empty() ? "" : " of ", ca_file, error.message());
  }
  return context;
}

Task<Result<std::unique_ptr<Transport>>> start_tls(Socket socket, asio::ssl::context& context,
                                                   std::string host) {
  boost::system::error_code error;
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  auto transport = std::make_unique<TlsTransport>(std::move(socket), context);
  SSL* ssl = transport->stream().native_handle();
  asio::ip::make_address(host, error);
  if (error) {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  }
  co_await transport->stream().async_handshake(asio::ssl::stream_base::client,
                                               asio::redirect_error(use_task, error));
  if (error) co_return std::unexpected(handshake_error(ssl, host, error));
  co_return std::move(transport);
}

}  // namespace unbolt::http
