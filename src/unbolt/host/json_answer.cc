#include "unbolt/host/json_answer.h"

#include <algorithm>
#include <array>

#include "unbolt/component/json_text.h"
#include "unbolt/component/value_json.h"
#include "unbolt/http/head_format.h"

namespace unbolt::host {
namespace {

using component::TypeKind;

constexpr int kOtherError = 422;

struct NamedStatus {
  std::string_view name;
  int status;
};
constexpr auto kErrorStatuses = std::to_array<NamedStatus>({
    {"access-denied", 403}, {"already-exists", 409}, {"busy", 409},
    {"conflict", 409},      {"denied", 403},         {"exists", 409},
    {"forbidden", 403},     {"internal", 500},       {"internal-error", 500},
    {"missing", 404},       {"no-entry", 404},       {"not-found", 404},
    {"not-permitted", 403}, {"not-supported", 501},  {"permission-denied", 403},
    {"timed-out", 504},     {"timeout", 504},        {"too-large", 413},
    {"too-many", 429},      {"unauthorized", 403},   {"unavailable", 503},
    {"unsupported", 501},
});

int status_of_case(std::string_view name) {
  if (name.starts_with("no-such-")) return 404;
  const auto* found = std::ranges::find(kErrorStatuses, name, &NamedStatus::name);
  return found == kErrorStatuses.end() ? kOtherError : found->status;
}

// Whether the cases of an error have names of the author's.
bool has_named_cases(const component::Type* error) {
  return error && (error->kind == TypeKind::Enum || error->kind == TypeKind::Variant);
}

int error_status(const component::Outcome& outcome) {
  if (!has_named_cases(outcome.type)) return kOtherError;
  const auto& chosen = std::get<component::CaseValue>(outcome.value->of);
  return status_of_case(outcome.type->labels[chosen.index]);
}

}  // namespace

JsonAnswer problem(int status, std::string_view detail, std::string_view members) {
  JsonAnswer answer{.status = status, .media_type = "application/problem+json"};
  answer.body = "{\"title\":";
  component::append_json_string(answer.body, http::reason_phrase(status));
  answer.body += fmt::format(",\"status\":{},\"detail\":", status);
  component::append_json_string(answer.body, detail);
  if (!members.empty()) (answer.body += ',') += members;
  answer.body += '}';
  return answer;
}

JsonAnswer answer_of(const component::FuncType& type,
                     const std::optional<component::Value>& value) {
  const auto outcome = component::outcome_of(type, value);
  if (!outcome.failed) {
    if (!outcome.type) return {.status = 204};
    JsonAnswer answer;
    component::write_json(*outcome.type, *outcome.value, answer.body);
    return answer;
  }
  std::string error = "\"error\":";
  if (outcome.type)
    component::write_json(*outcome.type, *outcome.value, error);
  else
    error += "null";
  return problem(error_status(outcome), "the function answered with an error", error);
}

std::set<int> error_statuses(const component::Type* error) {
  if (!has_named_cases(error)) return {kOtherError};
  std::set<int> statuses;
  for (const auto& name : error->labels) statuses.insert(status_of_case(name));
  return statuses;
}

Task<> send(http::ResponseWriter& response, JsonAnswer answer) {
  http::ResponseHead head{answer.status, std::move(answer.fields)};
  if (!answer.body.empty()) {
    head.fields.push_back({"content-type", std::string(answer.media_type)});
    head.fields.push_back({"content-length", std::to_string(answer.body.size())});
  }
  const auto started = response.start(std::move(head));
  if (!started) co_return;
  http::BodyWriter& writer = **started;
  for (auto rest = as_bytes(answer.body); !rest.empty();) {
    const auto part = rest.first(std::min(rest.size(), writer.capacity()));
    if (part.empty()) {
      co_await writer.wait();
    } else if (writer.write(part)) {
      rest = rest.subspan(part.size());
    } else {
      co_return;
    }
  }
  (void)writer.finish({});
}

}  // namespace unbolt::host
