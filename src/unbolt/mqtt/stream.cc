#include "unbolt/mqtt/stream.h"

#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>

namespace unbolt::mqtt {
namespace {

using boost::system::error_code;

Error lost(const error_code& why) {
  const bool left = why == asio::error::eof || why == asio::ssl::error::stream_truncated;
  return {ErrorCode::Unavailable,
          "the connection was lost: " + (left ? "closed by the broker" : why.message()),
          {}};
}

}  // namespace

Result<std::unique_ptr<asio::ssl::context>> make_tls(const Options& options) {
  if (!options.tls) return nullptr;
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  error_code error;
  context->set_verify_mode(asio::ssl::verify_peer, error);
  if (options.ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(options.ca_file, error);
  }
  if (error) {
    return std::unexpected(
        Error{ErrorCode::InvalidArgument,
              fmt::format("no certificates to trust in '{}': {}", options.ca_file, error.message()),
              "ca= names a file of certificates in the PEM format"});
  }
  if (options.cert_file.empty()) return context;
  context->use_certificate_chain_file(options.cert_file, error);
  if (!error) context->use_private_key_file(options.key_file, asio::ssl::context::pem, error);
  if (!error) return context;
  return std::unexpected(Error{ErrorCode::InvalidArgument,
                               fmt::format("the certificate '{}' with the key '{}': {}",
                                           options.cert_file, options.key_file, error.message()),
                               "cert= and key= name files in the PEM format"});
}

Task<Result<>> Stream::connect(const Options& options, asio::ssl::context* tls) {
  const auto unreachable = [&](const error_code& why) {
    return std::unexpected(
        Error{ErrorCode::Unavailable,
              fmt::format("{} cannot be reached: {}", options.shown(), why.message()),
              "is it running, and reachable from here?"});
  };
  error_code error;
  auto token = asio::redirect_error(use_task, error);
  resolver_.emplace(socket_.get_executor());
  auto found = co_await resolver_->async_resolve(options.server.host,
                                                 std::to_string(options.server.port), token);
  if (!error && closed_) error = asio::error::operation_aborted;
  if (error) co_return unreachable(error);
  co_await asio::async_connect(socket_, found, token);
  if (!error && closed_) error = asio::error::operation_aborted;
  if (error) co_return unreachable(error);
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  if (!tls) co_return Result<>();
  tls_.emplace(socket_, *tls);
  SSL* ssl = tls_->native_handle();
  tls_->set_verify_callback(asio::ssl::host_name_verification(options.server.host), error);
  asio::ip::make_address(options.server.host, error);
  if (error) SSL_set_tlsext_host_name(ssl, options.server.host.c_str());
  co_await tls_->async_handshake(asio::ssl::stream_base::client, token);
  if (!error) co_return Result<>();
  const bool distrusted = SSL_get_verify_result(ssl) != X509_V_OK ||
                          error.message().find("certificate verify failed") != std::string::npos;
  co_return std::unexpected(Error{
      distrusted ? ErrorCode::Denied : ErrorCode::Unavailable,
      fmt::format("no TLS with {}: {}", options.shown(), error.message()),
      "does it speak TLS on this port (else mqtt://), with a certificate for this name (ca=)?"});
}

Task<Result<std::size_t>> Stream::read(asio::mutable_buffer into) {
  error_code error;
  auto token = asio::redirect_error(use_task, error);
  const std::size_t size = tls_ ? co_await tls_->async_read_some(into, token)
                                : co_await socket_.async_read_some(into, token);
  if (error) co_return std::unexpected(lost(error));
  co_return size;
}

Task<Result<>> Stream::write(std::span<const asio::const_buffer> buffers) {
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

void Stream::close() {
  closed_ = true;
  error_code ignored;
  if (resolver_) resolver_->cancel();
  socket_.close(ignored);
}

}  // namespace unbolt::mqtt
