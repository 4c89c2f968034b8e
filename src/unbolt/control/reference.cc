#include "unbolt/control/reference.h"

#include <fmt/format.h>

#include <iterator>

#include "unbolt/control/shape.h"

namespace unbolt::control {
namespace {

// A cell's '|' would end it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string syntax_of(const Shape& shape) {
  const ScalarType* alone = short_form_of(shape);
  const std::string instead = alone ? fmt::format("{}; or ", alone->syntax) : std::string();
  switch (shape.form) {
    case Shape::Form::Scalar: return std::string(shape.scalar->syntax);
    case Shape::Form::List:
      return shape.item->form == Shape::Form::Scalar
                 ? fmt::format("a list: {}", shape.item->scalar->syntax)
                 : "a list";
    case Shape::Form::Mapping: return instead + "a mapping";
    case Shape::Form::Named:
      if (alone || (shape.item->form != Shape::Form::Scalar && !short_form_of(*shape.item))) {
        return fmt::format("{}`{}: …`", instead, shape.item_name);
      }
      return fmt::format("`{}: …`, each {}", shape.item_name, syntax_of(*shape.item));
  }
  return {};
}

// The mapping that stands in a field, wherever in it; null where there is none.
const Shape* mapping_in(const Shape& shape) {
  if (shape.form == Shape::Form::Mapping) return &shape;
  return shape.item ? mapping_in(*shape.item) : nullptr;
}

std::string path_of(const std::string& above, const Field& field) {
  std::string path =
      above.empty() ? std::string(field.name) : fmt::format("{}.{}", above, field.name);
  if (field.shape.form == Shape::Form::Named) path += fmt::format(".{}", field.shape.item_name);
  if (field.shape.form == Shape::Form::List) path += "[]";
  return path;
}

void append(std::string& out, const std::string& path, const Shape& shape) {
  fmt::format_to(std::back_inserter(out),
                 "### {}\n\n| field | value | meaning | example |\n|---|---|---|---|\n",
                 path.empty() ? "The manifest" : fmt::format("`{}`", path));
  for (const Field& field : shape.fields) {
    fmt::format_to(std::back_inserter(out), "| `{}`{} | {} | {} | `{}` |\n", field.name,
                   field.need == Field::Need::Required ? " (required)" : "",
                   cell(syntax_of(field.shape)), cell(field.description), cell(field.example));
  }
  for (const Field& field : shape.fields) {
    const Shape* inner = mapping_in(field.shape);
    if (!inner) continue;
    out += '\n';
    append(out, path_of(path, field), *inner);
  }
}

}  // namespace

std::string manifest_reference() {
  std::string out;
  append(out, {}, kManifestShape);
  return out;
}

}  // namespace unbolt::control
