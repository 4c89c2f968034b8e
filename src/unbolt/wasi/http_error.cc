#include "unbolt/wasi/http_error.h"

namespace unbolt::wasi {
namespace {

constexpr std::string_view kNames[] = {
    "DNS-timeout",
    "DNS-error",
    "destination-not-found",
    "destination-unavailable",
    "destination-IP-prohibited",
    "destination-IP-unroutable",
    "connection-refused",
    "connection-terminated",
    "connection-timeout",
    "connection-read-timeout",
    "connection-write-timeout",
    "connection-limit-reached",
    "TLS-protocol-error",
    "TLS-certificate-error",
    "TLS-alert-received",
    "HTTP-request-denied",
    "HTTP-request-length-required",
    "HTTP-request-body-size",
    "HTTP-request-method-invalid",
    "HTTP-request-URI-invalid",
    "HTTP-request-URI-too-long",
    "HTTP-request-header-section-size",
    "HTTP-request-header-size",
    "HTTP-request-trailer-section-size",
    "HTTP-request-trailer-size",
    "HTTP-response-incomplete",
    "HTTP-response-header-section-size",
    "HTTP-response-header-size",
    "HTTP-response-body-size",
    "HTTP-response-trailer-section-size",
    "HTTP-response-trailer-size",
    "HTTP-response-transfer-coding",
    "HTTP-response-content-coding",
    "HTTP-response-timeout",
    "HTTP-upgrade-failed",
    "HTTP-protocol-error",
    "loop-detected",
    "configuration-error",
    "internal-error",
};
static_assert(std::size(kNames) == std::variant_size_v<HttpError>);

}  // namespace

HttpError to_http_error(const Error& error) {
  using enum HttpErrorCase;
  switch (error.code) {
    case ErrorCode::NotFound:
      return http_error<DnsError>(DnsErrorPayload{error.message, std::nullopt});
    case ErrorCode::Unavailable: return http_error<ConnectionRefused>();
    case ErrorCode::Timeout: return http_error<ConnectionTimeout>();
    case ErrorCode::ProtocolError: return http_error<HttpProtocolError>();
    case ErrorCode::ConnectionClosed: return http_error<ConnectionTerminated>();
    case ErrorCode::Denied: return http_error<TlsCertificateError>();
    case ErrorCode::LimitExceeded: return http_error<HttpResponseHeaderSectionSize>(OptionalU32{});
    case ErrorCode::InvalidArgument: return http_error<HttpRequestUriInvalid>();
    default: return http_error<InternalError>(OptionalString(error.message));
  }
}

int status_of(const HttpError& error) {
  using enum HttpErrorCase;
  switch (static_cast<HttpErrorCase>(error.index())) {
    case DnsTimeout:
    case ConnectionTimeout:
    case ConnectionReadTimeout:
    case ConnectionWriteTimeout:
    case HttpResponseTimeout: return 504;
    case HttpRequestDenied: return 403;
    case HttpRequestLengthRequired: return 411;
    case HttpRequestBodySize: return 413;
    case HttpRequestMethodInvalid: return 405;
    case HttpRequestUriInvalid: return 400;
    case HttpRequestUriTooLong: return 414;
    case HttpRequestHeaderSectionSize:
    case HttpRequestHeaderSize:
    case HttpRequestTrailerSectionSize:
    case HttpRequestTrailerSize: return 431;
    case LoopDetected: return 508;
    case ConfigurationError:
    case InternalError: return 500;
    default: return 502;
  }
}

std::string_view name_of(const HttpError& error) { return kNames[error.index()]; }

}  // namespace unbolt::wasi
