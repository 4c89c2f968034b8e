#include "unbolt/host/openapi.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "unbolt/component/json_schema.h"
#include "unbolt/engine/digest.h"
#include "unbolt/host/json_answer.h"
#include "unbolt/http/head_format.h"

namespace unbolt::host {
namespace {

using component::JsonSchemas;
using component::Type;
using nlohmann::ordered_json;

constexpr std::string_view kSchemas = "#/components/schemas/";
constexpr std::string_view kProblem = "#/components/responses/Problem";

// What the component is changes with its bytes, and with nothing else.
std::string version_of(ByteView bytes) {
  std::string text = "sha256-";
  const auto digest = engine::sha256(bytes);
  for (std::size_t i = 0; i < 6; ++i) fmt::format_to(std::back_inserter(text), "{:02x}", digest[i]);
  return text;
}

ordered_json content(std::string_view media_type, ordered_json schema) {
  return {{std::string(media_type), {{"schema", std::move(schema)}}}};
}

ordered_json problem_schema() {
  return {{"type", "object"},
          {"properties",
           {{"title", {{"type", "string"}}},
            {"status", {{"type", "integer"}}},
            {"detail", {{"type", "string"}}}}},
          {"required", {"title", "status", "detail"}}};
}

ordered_json request_body(JsonSchemas& schemas, const component::FuncType& type) {
  ordered_json body{{"required", !type.params.empty()}};
  body["content"] = content(
      "application/json", {{"anyOf", ordered_json::array({arguments_by_name(schemas, type),
                                                          arguments_by_position(schemas, type)})}});
  return body;
}

// The problem in which a function's own error stands.
ordered_json error_response(const Type* error, JsonSchemas& schemas, int status) {
  ordered_json schema{{"allOf", ordered_json::array({{{"$ref", "#/components/schemas/Problem"}}})}};
  schema["properties"]["error"] =
      error ? schemas.of(*error, JsonSchemas::Use::Answer) : ordered_json{{"type", "null"}};
  ordered_json response;
  response["description"] = fmt::format("{}; where there is a member \"error\", the function's own",
                                        http::reason_phrase(status));
  response["content"] = content("application/problem+json", std::move(schema));
  return response;
}

ordered_json responses(JsonSchemas& schemas, const component::FuncType& type) {
  const bool is_result = type.result && type.result->kind == component::TypeKind::Result;
  const Type* good = is_result ? type.result->children[0] : type.result;
  ordered_json all;
  if (good) {
    all["200"] = {{"description", "what the function returns"}};
    all["200"]["content"] =
        content("application/json", schemas.of(*good, JsonSchemas::Use::Answer));
  } else {
    all["204"] = {{"description", "the function has returned"}};
  }
  if (is_result) {
    const Type* error = type.result->children[1];
    for (const int status : error_statuses(error))
      all[std::to_string(status)] = error_response(error, schemas, status);
  }
  all["default"] = {{"$ref", kProblem}};
  return all;
}

ordered_json operation(JsonSchemas& schemas, const JsonFunction& function) {
  const auto& func = *function.func;
  std::string id = function.path.substr(1);
  std::ranges::replace(id, '/', '.');
  ordered_json of;
  if (!func.interface_name.empty()) of["tags"] = ordered_json::array({func.interface_name});
  of["summary"] = component::to_wit(*func.type);
  of["operationId"] = std::move(id);
  of["requestBody"] = request_body(schemas, *func.type);
  of["responses"] = responses(schemas, *func.type);
  return of;
}

}  // namespace

ordered_json describe(const component::ComponentFile& file, const component::ExportNames& names,
                      std::span<const JsonFunction> functions, const std::string& name) {
  JsonSchemas schemas(file.plan(), std::string(kSchemas));
  schemas.reserve("Problem");
  auto paths = ordered_json::object();
  auto not_served = ordered_json::array();
  for (const auto& function : functions) {
    if (function.not_served.empty())
      paths[function.path]["post"] = operation(schemas, function);
    else
      not_served.push_back({{"name", names.full(*function.func)}, {"why", function.not_served}});
  }
  ordered_json document{{"openapi", "3.1.0"}};
  document["info"] = {{"title", name}, {"version", version_of(file.bytes())}};
  document["paths"] = std::move(paths);
  document["components"]["schemas"] = schemas.definitions();
  document["components"]["schemas"]["Problem"] = problem_schema();
  document["components"]["responses"]["Problem"] = {
      {"description", "the request cannot be answered: its detail says why (RFC 9457)"},
      {"content", content("application/problem+json", {{"$ref", "#/components/schemas/Problem"}})}};
  if (!not_served.empty()) document["x-not-served"] = std::move(not_served);
  return document;
}

}  // namespace unbolt::host
