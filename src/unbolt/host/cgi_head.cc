#include "unbolt/host/cgi_head.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "unbolt/contracts/text.h"
#include "unbolt/http/head_parser.h"
#include "unbolt/http/text.h"

namespace unbolt::host {
namespace {

constexpr std::size_t kShown = 80;

// `404` or `404 Not Found`. What comes before a final status is the server's to say.
std::optional<int> parse_status(std::string_view value) {
  const auto code = http::parse_decimal(value.substr(0, 3));
  if (value.size() < 3 || !code || *code < 200 || *code > 599) return std::nullopt;
  if (value.size() > 3 && value[3] != ' ') return std::nullopt;
  return static_cast<int>(*code);
}

}  // namespace

CgiHeadParser::Progress CgiHeadParser::fail(std::string why) {
  why_ = std::move(why);
  return Progress::Failed;
}

CgiHeadParser::Progress CgiHeadParser::read(std::string_view& bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
    if (size_ + taken > kMaxBytes)
      return fail(fmt::format("its header section is longer than {} bytes", kMaxBytes));
    size_ += taken;
    line_ += bytes.substr(0, std::min(end, taken));
    bytes.remove_prefix(taken);
    if (end == std::string_view::npos) break;
    ++lines_;
    if (line_.ends_with('\r')) line_.pop_back();
    if (line_.empty()) return finish();
    if (!field(line_)) return Progress::Failed;
    line_.clear();
  }
  return Progress::More;
}

bool CgiHeadParser::field(std::string_view line) {
  const auto shown = [&] { return contracts::printable(line, kShown); };
  const auto parsed = http::parse_field_line(line);
  if (!parsed) {
    why_ = fmt::format("line {} of its output is no header field: '{}'", lines_, shown());
    return false;
  }
  const auto once = [&](bool& seen) {
    if (std::exchange(seen, true)) {
      why_ = fmt::format("its header section has {} twice", parsed->name);
      return false;
    }
    return true;
  };
  if (http::equals_ignoring_case(parsed->name, "status")) {
    const auto status = parse_status(parsed->value);
    if (!status) {
      why_ = fmt::format("line {} of its output is no status: '{}'", lines_, shown());
      return false;
    }
    head_.status = *status;
    return once(has_status_);
  }
  if (http::equals_ignoring_case(parsed->name, "content-type") && !once(has_type_)) return false;
  if (http::equals_ignoring_case(parsed->name, "location") && !once(has_location_)) return false;
  head_.fields.push_back({std::string(parsed->name), std::string(parsed->value)});
  return true;
}

CgiHeadParser::Progress CgiHeadParser::finish() {
  if (!has_type_ && !has_status_ && !has_location_)
    return fail("its header section has neither Content-Type nor Status nor Location");
  if (has_location_ && !has_status_) head_.status = 302;
  return Progress::Done;
}

}  // namespace unbolt::host
