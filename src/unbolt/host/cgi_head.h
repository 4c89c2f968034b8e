// The header section that a CGI program writes before its output (RFC 3875, section 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "unbolt/http/handler.h"

namespace unbolt::host {

// Reads it as it comes, in pieces of any size; lines end with LF or CRLF. One for each response.
class CgiHeadParser {
 public:
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  enum class Progress : std::uint8_t { More, Done, Failed };

  // Takes the bytes that belong to the section off the front of `bytes`; after Done, what is left
  // is the body. Not called again after Done or Failed.
  Progress read(std::string_view& bytes);

  // After Done. A Location without a Status is a redirect: 302, also where it names a path alone
  // (which RFC 3875 lets the server follow by itself).
  http::ResponseHead& head() { return head_; }
  // After Failed, for the operator; fit for a log.
  const std::string& why() const { return why_; }
  // Whether anything was read.
  bool started() const { return size_ > 0; }

 private:
  Progress fail(std::string why);
  bool field(std::string_view line);
  Progress finish();

  http::ResponseHead head_;
  std::string line_;
  std::size_t size_ = 0;
  std::size_t lines_ = 0;
  bool has_status_ = false, has_type_ = false, has_location_ = false;
  std::string why_;
};

}  // namespace unbolt::host
