// wasi:http's error-code, and what of ours each is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "unbolt/base/error.h"

namespace unbolt::wasi {

using OptionalString = std::optional<std::string>;
using OptionalU32 = std::optional<std::uint32_t>;
using OptionalU64 = std::optional<std::uint64_t>;

struct DnsErrorPayload {
  OptionalString rcode;
  std::optional<std::uint16_t> info_code;
};
struct TlsAlertReceivedPayload {
  std::optional<std::uint8_t> alert_id;
  OptionalString alert_message;
};
struct FieldSizePayload {
  OptionalString field_name;
  OptionalU32 field_size;
};

// The cases of `variant error-code`, by position.
enum class HttpErrorCase : std::size_t {
  DnsTimeout,
  DnsError,
  DestinationNotFound,
  DestinationUnavailable,
  DestinationIpProhibited,
  DestinationIpUnroutable,
  ConnectionRefused,
  ConnectionTerminated,
  ConnectionTimeout,
  ConnectionReadTimeout,
  ConnectionWriteTimeout,
  ConnectionLimitReached,
  TlsProtocolError,
  TlsCertificateError,
  TlsAlertReceived,
  HttpRequestDenied,
  HttpRequestLengthRequired,
  HttpRequestBodySize,
  HttpRequestMethodInvalid,
  HttpRequestUriInvalid,
  HttpRequestUriTooLong,
  HttpRequestHeaderSectionSize,
  HttpRequestHeaderSize,
  HttpRequestTrailerSectionSize,
  HttpRequestTrailerSize,
  HttpResponseIncomplete,
  HttpResponseHeaderSectionSize,
  HttpResponseHeaderSize,
  HttpResponseBodySize,
  HttpResponseTrailerSectionSize,
  HttpResponseTrailerSize,
  HttpResponseTransferCoding,
  HttpResponseContentCoding,
  HttpResponseTimeout,
  HttpUpgradeFailed,
  HttpProtocolError,
  LoopDetected,
  ConfigurationError,
  InternalError,
};

using None = std::monostate;
using HttpError =
    std::variant<None, DnsErrorPayload, None, None, None, None, None, None, None, None, None, None,
                 None, None, TlsAlertReceivedPayload, None, None, OptionalU64, None, None, None,
                 OptionalU32, std::optional<FieldSizePayload>, OptionalU32, FieldSizePayload, None,
                 OptionalU32, FieldSizePayload, OptionalU64, OptionalU32, FieldSizePayload,
                 OptionalString, OptionalString, None, None, None, None, None, OptionalString>;

template <HttpErrorCase Case, class... Args>
HttpError http_error(Args&&... args) {
  return HttpError(std::in_place_index<static_cast<std::size_t>(Case)>,
                   std::forward<Args>(args)...);
}

// What failed in the client, in the contract's words.
HttpError to_http_error(const Error& error);
// The status that a guest's error-code becomes, where it answers a request with one.
int status_of(const HttpError& error);
std::string_view name_of(const HttpError& error);

}  // namespace unbolt::wasi
