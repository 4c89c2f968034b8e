#include "unbolt/component/json_text.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "unbolt/component/strings.h"

namespace unbolt::component {
namespace {

constexpr std::size_t kLongestProblem = 200;

// Where the text is nested deeper than it may be; npos: nowhere. Brackets alone decide it, whether
// or not the text is JSON: the parser does not recurse, but what walks its tree does.
std::size_t too_deep_at(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"': quoted = !quoted; break;
      case '\\': i += quoted; break;
      case '[':
      case '{':
        if (!quoted && ++depth > kMaxJsonDepth) return i;
        break;
      case ']':
      case '}': depth -= !quoted && depth > 0; break;
      default: break;
    }
  }
  return std::string_view::npos;
}

std::string place(std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  const auto line = std::ranges::count(before, '\n') + 1;
  return fmt::format("line {}, column {}", line, at - (before.rfind('\n') + 1) + 1);
}

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while …"
std::string problem_of(std::string_view text) {
  for (const std::string_view before : {"] ", "parse error at "}) {
    if (const auto at = text.find(before); at != text.npos) text.remove_prefix(at + before.size());
  }
  return to_valid_utf8(text.substr(0, kLongestProblem));
}

}  // namespace

Result<nlohmann::ordered_json> parse_json(std::string_view text) {
  if (const auto at = too_deep_at(text); at != text.npos) {
    return fail(ErrorCode::InvalidArgument, "{}: nested more than {} deep", place(text, at),
                kMaxJsonDepth);
  }
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    return fail(ErrorCode::InvalidArgument, "no JSON: {}", problem_of(e.what()));
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
        else
          out += c;
    }
  }
  out += '"';
}

}  // namespace unbolt::component
