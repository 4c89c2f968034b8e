#include "unbolt/base/error.h"

namespace unbolt {
namespace {

struct CodeInfo {
  std::string_view text;
  int http_status;
};

constexpr CodeInfo info(ErrorCode code) {
  switch (code) {
    case ErrorCode::Internal: return {"internal error", 500};
    case ErrorCode::InvalidArgument: return {"invalid argument", 400};
    case ErrorCode::InvalidFile: return {"invalid file", 500};
    case ErrorCode::Unsupported: return {"unsupported", 501};
    case ErrorCode::NotFound: return {"not found", 404};
    case ErrorCode::Denied: return {"denied", 403};
    case ErrorCode::Conflict: return {"conflict", 409};
    case ErrorCode::Unavailable: return {"unavailable", 503};
    case ErrorCode::Timeout: return {"timed out", 504};
    case ErrorCode::Cancelled: return {"cancelled", 499};
    case ErrorCode::LimitExceeded: return {"limit exceeded", 503};
    case ErrorCode::Trap: return {"trap", 500};
    case ErrorCode::ProtocolError: return {"protocol error", 400};
    case ErrorCode::ConnectionClosed: return {"connection closed", 502};
    case ErrorCode::Io: return {"input/output error", 500};
  }
  return {"unknown", 500};
}

}  // namespace

std::string_view to_string(ErrorCode code) { return info(code).text; }
int http_status(ErrorCode code) { return info(code).http_status; }

}  // namespace unbolt
