#include "unbolt/claims/strict_json.h"

#include <algorithm>
#include <set>

namespace unbolt::claims {
namespace {

using nlohmann::json;
constexpr int kDeepest = 8;
constexpr std::size_t kLongestText = 4096, kMostItems = 1024;

bool good_text(const json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return text.size() <= kLongestText && std::none_of(text.begin(), text.end(), [](unsigned char c) {
           return c < 0x20 || c == 0x7f;
         });
}

}  // namespace

Result<json> strict_object(std::string_view text) {
  std::vector<std::set<std::string>> names;
  bool twice = false, deep = false;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kDeepest) deep = true;
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key && !names.back().insert(parsed.get<std::string>()).second)
      twice = true;
    return true;
  };
  json value = json::parse(text.begin(), text.end(), watch, false);
  if (value.is_discarded()) return fail(ErrorCode::InvalidFile, "it is no JSON");
  if (!value.is_object()) return fail(ErrorCode::InvalidFile, "it is no JSON object");
  if (twice) return fail(ErrorCode::InvalidFile, "a member of it stands there twice");
  if (deep) return fail(ErrorCode::InvalidFile, "it is nested too deep");
  return value;
}

std::optional<std::string> text_member(const json& object, const char* name, std::string& wrong) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (good_text(*found)) return found->get<std::string>();
  wrong = name;
  return std::nullopt;
}

std::optional<std::uint64_t> time_member(const json& object, const char* name, std::string& wrong) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  // Up to the year 9999.
  if (found->is_number_unsigned() && found->get<std::uint64_t>() <= 253'402'300'799)
    return found->get<std::uint64_t>();
  wrong = name;
  return std::nullopt;
}

std::optional<std::vector<std::string>> list_member(const json& object, const char* name,
                                                    std::string& wrong) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (found->is_array() && found->size() <= kMostItems &&
      std::all_of(found->begin(), found->end(), good_text))
    return found->get<std::vector<std::string>>();
  wrong = name;
  return std::nullopt;
}

}  // namespace unbolt::claims
