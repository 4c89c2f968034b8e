// The JSON schema of the manifest, of the table that the parser uses.
#include <nlohmann/json.hpp>

#include "unbolt/control/manifest.h"
#include "unbolt/control/shape.h"

namespace unbolt::control {
namespace {

using Json = nlohmann::ordered_json;

Json schema_of(const ScalarType& type) {
  Json schema;
  switch (type.also) {
    case ScalarType::Or::Nothing: schema["type"] = "string"; break;
    case ScalarType::Or::Number:
      schema["type"] = {"string", "integer"};
      schema["minimum"] = 1;
      break;
    case ScalarType::Or::Anything: schema["type"] = {"string", "number", "boolean"}; break;
  }
  if (!type.pattern.empty()) schema["pattern"] = type.pattern;
  return schema;
}

Json schema_of(const Shape& shape);

Json mapping_of(const Shape& shape) {
  // A field without a value is an empty one.
  bool may_be_empty = true;
  Json properties = Json::object(), required = Json::array();
  for (const Field& field : shape.fields) {
    Json property = schema_of(field.shape);
    property["description"] = field.description;
    properties[std::string(field.name)] = std::move(property);
    if (field.need == Field::Need::Optional) continue;
    required.push_back(field.name);
    may_be_empty = false;
  }
  Json schema;
  schema["type"] = may_be_empty ? Json{"object", "null"} : Json("object");
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

Json named_of(const Shape& shape) {
  Json schema{{"type", {"object", "null"}}};
  if (!shape.key->pattern.empty()) schema["propertyNames"] = {{"pattern", shape.key->pattern}};
  schema["additionalProperties"] = schema_of(*shape.item);
  return schema;
}

Json schema_of(const Shape& shape) {
  Json schema;
  switch (shape.form) {
    case Shape::Form::Scalar: return schema_of(*shape.scalar);
    case Shape::Form::List:
      return Json{{"type", {"array", "null"}}, {"items", schema_of(*shape.item)}};
    case Shape::Form::Mapping: schema = mapping_of(shape); break;
    case Shape::Form::Named: schema = named_of(shape); break;
  }
  if (const ScalarType* alone = short_form_of(shape)) {
    return Json{{"anyOf", {schema_of(*alone), std::move(schema)}}};
  }
  return schema;
}

}  // namespace

std::string manifest_schema() {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
              {"title", "Unbolt manifest"},
              {"description", "The desired state of an application: unbolt.yaml"}};
  schema.update(schema_of(kManifestShape));
  // The least that a manifest has.
  schema["properties"]["components"]["type"] = "object";
  schema["properties"]["components"]["minProperties"] = 1;
  return schema.dump(2) + "\n";
}

}  // namespace unbolt::control
