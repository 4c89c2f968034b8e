#include "unbolt/control/variables.h"

#include <fmt/format.h>

#include <algorithm>

#include "unbolt/base/bytes.h"
#include "unbolt/component/strings.h"
#include "unbolt/contracts/text.h"

namespace unbolt::control {
namespace {

constexpr std::size_t kLongest = 64 * 1024;

bool is_name(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// `reference` is what stands between the braces.
Result<std::string> value_of(std::string_view reference, const VariableSource& source) {
  const std::size_t colon = reference.find(":-");
  const std::string_view name = reference.substr(0, colon);
  if (!is_name(name)) {
    return std::unexpected(
        Error{ErrorCode::InvalidArgument,
              fmt::format("'{}' is no variable's name", contracts::printable(name, 80)),
              "write ${NAME} or ${NAME:-DEFAULT}, and $${ for the characters themselves"});
  }
  auto value = source ? source(name) : std::nullopt;
  if (colon != reference.npos && (!value || value->empty())) {
    return std::string(reference.substr(colon + 2));
  }
  if (!value) {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("the variable {} is not set", name),
                                 fmt::format("set it, or write ${{{}:-DEFAULT}}", name)});
  }
  if (value->contains('\0') || !component::valid_utf8(as_bytes(*value))) {
    return fail(ErrorCode::InvalidArgument, "the value of {} is not UTF-8 text", name);
  }
  return std::move(*value);
}

}  // namespace

Result<std::string> substitute(std::string_view text, const VariableSource& source) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("$${")) {
      out += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == text.npos) {
        return std::unexpected(Error{ErrorCode::InvalidArgument, "a '${' has no '}' behind it",
                                     "write $${ for the characters themselves"});
      }
      UNBOLT_ASSIGN(const std::string value, value_of(text.substr(2, end - 2), source));
      out += value;
      text.remove_prefix(end + 1);
    } else {
      const std::size_t next = std::min(text.find('$', 1), text.size());
      out += text.substr(0, next);
      text.remove_prefix(next);
    }
    if (out.size() > kLongest) {
      return fail(ErrorCode::InvalidArgument, "longer than {} bytes", kLongest);
    }
  }
  return out;
}

std::string without_variables(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

}  // namespace unbolt::control
