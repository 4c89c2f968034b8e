#include "unbolt/control/control_errors.h"

#include <algorithm>
#include <string>

namespace unbolt::control {
namespace {

std::string text(const nlohmann::json& json, const char* member) {
  const auto found = json.find(member);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// One word: "not-found".
std::string code_of(ErrorCode code) {
  std::string word(to_string(code));
  std::ranges::replace(word, ' ', '-');
  return word;
}

}  // namespace

nlohmann::json to_json(const Error& error) {
  nlohmann::json json = {{"code", code_of(error.code)}, {"message", error.message}};
  if (!error.hint.empty()) json["hint"] = error.hint;
  return json;
}

Error error_from_json(const nlohmann::json& json) {
  if (!json.is_object())
    return {ErrorCode::ProtocolError, "the host sent an error without words", {}};
  Error error{ErrorCode::Internal, text(json, "message"), text(json, "hint")};
  const std::string code = text(json, "code");
  for (auto each = ErrorCode::Internal; each <= ErrorCode::Io;
       each = static_cast<ErrorCode>(static_cast<int>(each) + 1)) {
    if (code_of(each) == code) error.code = each;
  }
  return error;
}

}  // namespace unbolt::control
