#include "unbolt/component/json_schema.h"

#include <algorithm>
#include <limits>

#include "unbolt/component/names.h"
#include "unbolt/component/value_json.h"

namespace unbolt::component {
namespace {

using nlohmann::ordered_json;
using enum TypeKind;

// Written in place, a schema is no larger than this.
constexpr std::uint32_t kLargestInPlace = 40;

template <class T>
ordered_json integer(std::string_view format, JsonSchemas::Use use) {
  ordered_json out;
  const bool text = sizeof(T) == 8 && use == JsonSchemas::Use::Argument;
  if (text)
    out["type"] = {"integer", "string"};
  else
    out["type"] = "integer";
  out["format"] = format;
  out["minimum"] = std::numeric_limits<T>::min();
  out["maximum"] = std::numeric_limits<T>::max();
  if (text) out["pattern"] = std::is_signed_v<T> ? "^-?[0-9]+$" : "^[0-9]+$";
  return out;
}

ordered_json floating(std::string_view format) {
  return {{"anyOf",
           {{{"type", "number"}, {"format", format}},
            {{"type", "string"}, {"enum", {"NaN", "Infinity", "-Infinity"}}}}}};
}

// "max-age" as "MaxAge".
std::string pascal_case(std::string_view label) {
  std::string out = camel_case(label);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z')
    out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

// Exactly these members, of which all but `optional` ones must be there.
ordered_json object_of(ordered_json properties, ordered_json required) {
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}
ordered_json tuple_of(ordered_json items) {
  const std::size_t count = items.size();
  ordered_json out{{"type", "array"}};
  if (count > 0) out["prefixItems"] = std::move(items);  // it may not be empty
  out["items"] = false;
  out["minItems"] = count;
  out["maxItems"] = count;
  return out;
}

std::string_view word_for(TypeKind kind) {
  switch (kind) {
    case Record: return "Record";
    case Variant: return "Variant";
    case List: return "List";
    case Map: return "Map";
    case Tuple: return "Tuple";
    case Flags: return "Flags";
    case Enum: return "Enum";
    case Option: return "Option";
    case Result: return "Result";
    default: return "Value";
  }
}

}  // namespace

const JsonSchemas::Facts& JsonSchemas::facts(const Type& type) {
  if (const auto found = facts_.find(&type); found != facts_.end()) return found->second;
  Facts of{.size = static_cast<std::uint32_t>(1 + type.labels.size())};
  of.two_uses = type.kind == S64 || type.kind == U64 || type.kind == Flags;
  for (const Type* child : type.children) {
    if (!child) continue;
    const Facts& inner = facts(*child);
    of.size = std::min(of.size + (is_named(*child) ? 1 : inner.size), 1'000'000u);
    of.two_uses |= inner.two_uses || (type.kind == Record && child->kind == Option);
  }
  return facts_.emplace(&type, of).first->second;
}

bool JsonSchemas::is_named(const Type& type) {
  return (!type.children.empty() || !type.labels.empty()) &&
         (plan_.type_names.contains(&type) || facts(type).size > kLargestInPlace);
}

const std::string& JsonSchemas::name_of(const Type& type, Use use) {
  auto& name = names_[{&type, use}];
  if (!name.empty()) return name;
  std::string base(word_for(type.kind));
  std::string longer = base;
  if (const auto known = plan_.type_names.find(&type); known != plan_.type_names.end()) {
    const auto path = split_version(known->second.interface_name).path;
    base = pascal_case(known->second.name);
    longer = pascal_case(path.substr(path.find('/') + 1)) + base;
  }
  const std::string_view role = use == Use::Argument && facts(type).two_uses ? "Input" : "";
  std::string wanted = base;
  wanted += role;
  if (taken_.contains(wanted)) (wanted = longer) += role;
  for (int i = 2; !taken_.insert(wanted).second; ++i)
    wanted = fmt::format("{}{}{}", longer, i, role);
  return name = std::move(wanted);
}

ordered_json JsonSchemas::of(const Type& type, Use use) {
  if (!is_named(type)) return in_place(type, use);
  if (!facts(type).two_uses) use = Use::Answer;
  const std::string& name = name_of(type, use);
  if (!definitions_.contains(name)) definitions_[name] = in_place(type, use);
  return {{"$ref", root_ + name}};
}

ordered_json JsonSchemas::fields(const Type& type, Use use) {
  auto properties = ordered_json::object();
  auto required = ordered_json::array();
  for (std::size_t i = 0; i < type.labels.size(); ++i) {
    const std::string name = camel_case(type.labels[i]);
    const bool flag = type.kind == Flags;
    properties[name] = flag ? ordered_json{{"type", "boolean"}} : of(*type.children[i], use);
    if (use == Use::Answer || (!flag && type.children[i]->kind != Option)) required.push_back(name);
  }
  return object_of(std::move(properties), std::move(required));
}

ordered_json JsonSchemas::tagged(const std::vector<std::string>& labels, const Type& type,
                                 Use use) {
  auto cases = ordered_json::array();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ordered_json properties{{"tag", {{"const", labels[i]}}}};
    ordered_json required = {"tag"};
    if (type.children[i]) {
      properties["val"] = of(*type.children[i], use);
      required.push_back("val");
    }
    cases.push_back(object_of(std::move(properties), std::move(required)));
  }
  return {{"oneOf", std::move(cases)}};
}

ordered_json JsonSchemas::in_place(const Type& type, Use use) {
  switch (type.kind) {
    case Bool: return {{"type", "boolean"}};
    case S8: return integer<std::int8_t>("int8", use);
    case S16: return integer<std::int16_t>("int16", use);
    case S32: return integer<std::int32_t>("int32", use);
    case S64: return integer<std::int64_t>("int64", use);
    case U8: return integer<std::uint8_t>("uint8", use);
    case U16: return integer<std::uint16_t>("uint16", use);
    case U32: return integer<std::uint32_t>("uint32", use);
    case U64: return integer<std::uint64_t>("uint64", use);
    case F32: return floating("float");
    case F64: return floating("double");
    case Char: return {{"type", "string"}, {"format", "char"}, {"minLength", 1}, {"maxLength", 1}};
    case String: return {{"type", "string"}};
    case List:
    case Map: {
      ordered_json out{{"type", "array"}};
      out["items"] = of(*type.children[type.kind == Map ? 2 : 0], use);
      if (type.length) {
        out["minItems"] = *type.length;
        out["maxItems"] = *type.length;
      }
      return out;
    }
    case Tuple: {
      auto items = ordered_json::array();
      for (const Type* child : type.children) items.push_back(of(*child, use));
      return tuple_of(std::move(items));
    }
    case Record:
    case Flags: return fields(type, use);
    case Enum: return {{"type", "string"}, {"enum", type.labels}};
    case Option:
      if (type.children[1]->kind == Option) return tagged({"none", "some"}, type, use);
      return {{"anyOf", {of(*type.children[1], use), {{"type", "null"}}}}};
    case Variant: return tagged(type.labels, type, use);
    case Result: return tagged({"ok", "err"}, type, use);
    default: return false;
  }
}

ordered_json arguments_by_name(JsonSchemas& schemas, const FuncType& type) {
  auto properties = ordered_json::object();
  auto required = ordered_json::array();
  for (const Param& param : type.params) {
    const std::string name = camel_case(param.name);
    properties[name] = schemas.of(*param.type, JsonSchemas::Use::Argument);
    if (param.type->kind != Option) required.push_back(name);
  }
  return object_of(std::move(properties), std::move(required));
}

ordered_json arguments_by_position(JsonSchemas& schemas, const FuncType& type) {
  auto items = ordered_json::array();
  for (const Param& param : type.params)
    items.push_back(schemas.of(*param.type, JsonSchemas::Use::Argument));
  return tuple_of(std::move(items));
}

}  // namespace unbolt::component
