#include "unbolt/wasi/http_error.h"

#include <gtest/gtest.h>

namespace unbolt::wasi {
namespace {

// Every failure of the client has a case of the contract's, and each case the status that suits it.
TEST(HttpError, NamesWhatFailed) {
  const std::tuple<ErrorCode, std::string_view, int> cases[] = {
      {ErrorCode::NotFound, "DNS-error", 502},
      {ErrorCode::Unavailable, "connection-refused", 502},
      {ErrorCode::Timeout, "connection-timeout", 504},
      {ErrorCode::ProtocolError, "HTTP-protocol-error", 502},
      {ErrorCode::ConnectionClosed, "connection-terminated", 502},
      {ErrorCode::Denied, "TLS-certificate-error", 502},
      {ErrorCode::LimitExceeded, "HTTP-response-header-section-size", 502},
      {ErrorCode::InvalidArgument, "HTTP-request-URI-invalid", 400},
      {ErrorCode::Internal, "internal-error", 500},
  };
  for (const auto& [code, name, status] : cases) {
    const HttpError error = to_http_error(Error{code, "why", {}});
    EXPECT_EQ(name_of(error), name);
    EXPECT_EQ(status_of(error), status) << name;
  }
}

TEST(HttpError, CasesStandAtTheirPosition) {
  EXPECT_EQ(name_of(http_error<HttpErrorCase::HttpRequestDenied>()), "HTTP-request-denied");
  EXPECT_EQ(status_of(http_error<HttpErrorCase::HttpRequestDenied>()), 403);
  EXPECT_EQ(name_of(http_error<HttpErrorCase::LoopDetected>()), "loop-detected");
  EXPECT_EQ(name_of(http_error<HttpErrorCase::InternalError>(OptionalString("x"))),
            "internal-error");
}

}  // namespace
}  // namespace unbolt::wasi
