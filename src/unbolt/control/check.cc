#include "unbolt/control/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "unbolt/contracts/text.h"
#include "unbolt/control/variables.h"

namespace unbolt::control {
namespace {

using Form = Shape::Form;
using Kind = YamlNode::Kind;

std::string_view described(Kind kind) {
  switch (kind) {
    case Kind::Null: return "nothing";
    case Kind::Scalar: return "a single value";
    case Kind::List: return "a list";
    case Kind::Mapping: return "a mapping";
  }
  return "";
}

// The syntax without the marks that documents have.
std::string in_words(const ScalarType& type) {
  std::string text(type.syntax);
  std::erase(text, '`');
  return text;
}

std::string expected_mapping(const Shape& shape) {
  std::vector<std::string_view> names;
  for (const Field& field : shape.fields) names.push_back(field.name);
  return fmt::format("a mapping with {}", fmt::join(names, ", "));
}

std::string expected(const Shape& shape) {
  const ScalarType* alone = short_form_of(shape);
  const std::string instead = alone ? fmt::format("{}, or ", in_words(*alone)) : std::string();
  switch (shape.form) {
    case Form::Scalar: return fmt::format("one value: {}", in_words(*shape.scalar));
    case Form::List: return "a list, each item with '- ' in front";
    case Form::Mapping: return instead + expected_mapping(shape);
    case Form::Named:
      return fmt::format("{}a mapping, {}: … in each line", instead, shape.item_name);
  }
  return "";
}

// Without the entries of which `is_good` says no; it may change them.
template <class IsGood>
void keep_good(YamlNode& mapping, IsGood is_good) {
  std::vector<YamlNode::Entry> good;
  for (YamlNode::Entry& entry : mapping.entries) {
    if (is_good(entry)) {
      good.push_back(std::move(entry));
    } else {
      mapping.damaged = true;
    }
  }
  mapping.entries = std::move(good);
}

class Checker {
 public:
  Checker(const ScalarContext& context, DiagnosticSink& sink) : context_(context), sink_(sink) {}

  // Whether the node can be used. One that was found wrong before is not reported again.
  bool check(YamlNode& node, const Shape& shape, const std::string& where) {
    if (node.damaged && node.kind == Kind::Null) return false;
    if (check_form(node, shape, where)) return true;
    node = YamlNode{.position = node.position, .damaged = true};
    return false;
  }

 private:
  bool check_form(YamlNode& node, const Shape& shape, const std::string& where) {
    if (shape.has_short_form && node.kind == Kind::Scalar) write_out(node, shape);
    const Kind kind = shape.form == Form::Scalar ? Kind::Scalar
                      : shape.form == Form::List ? Kind::List
                                                 : Kind::Mapping;
    // A field whose lines are all commented out is an empty one.
    const bool may_be_empty = shape.form == Form::List || shape.form == Form::Named ||
                              std::ranges::none_of(shape.fields, [](const Field& field) {
                                return field.need == Field::Need::Required;
                              });
    if (node.kind == Kind::Null && shape.form != Form::Scalar && may_be_empty) node.kind = kind;
    if (node.kind != kind) {
      sink_.report(
          node.position, where,
          fmt::format("here is {}, but expected was {}", described(node.kind), expected(shape)));
      return false;
    }
    switch (shape.form) {
      case Form::Scalar: return check_scalar(node, *shape.scalar, where);
      case Form::List: return check_list(node, shape, where);
      case Form::Mapping: return check_mapping(node, shape, where);
      case Form::Named: return check_named(node, shape, where);
    }
    return false;
  }

  static void write_out(YamlNode& node, const Shape& shape) {
    YamlNode whole;
    whole.kind = Kind::Mapping;
    whole.position = node.position;
    whole.entries.push_back({.key = std::string(shape.short_form), .key_position = node.position});
    whole.entries.back().value = std::move(node);
    node = std::move(whole);
  }

  bool check_scalar(YamlNode& node, const ScalarType& type, const std::string& where) {
    const std::string written = node.text;
    if (type.variables) {
      auto value = substitute(written, context_.manifest.variable);
      if (!value) return report(node.position, where, value.error());
      node.text = std::move(*value);
    }
    auto value = type.read(node.text, context_);
    if (value) {
      node.text = std::move(*value);
      return true;
    }
    // What a variable holds is nobody's to see.
    if (type.variables && written.contains("${")) {
      return report(
          node.position, where,
          Error{ErrorCode::InvalidArgument,
                "with its variables in place, this is not what is expected here: " + in_words(type),
                {}});
    }
    return report(node.position, where, value.error());
  }

  bool check_list(YamlNode& node, const Shape& shape, const std::string& where) {
    std::size_t index = 0;
    for (YamlNode& item : node.list) {
      check(item, *shape.item, fmt::format("{}[{}]", where, index++));
    }
    return true;
  }

  bool check_mapping(YamlNode& node, const Shape& shape, const std::string& where) {
    for (const Field& field : shape.fields) {
      if (field.need == Field::Need::Optional || node.find(field.name)) continue;
      node.damaged = true;
      sink_.report(node.position, where, fmt::format("'{}' is missing", field.name),
                   fmt::format("as in {}: {}", field.name, field.example));
    }
    keep_good(node, [&](YamlNode::Entry& entry) {
      const auto field = std::ranges::find(shape.fields, entry.key, &Field::name);
      if (field != shape.fields.end()) {
        return check(entry.value, field->shape, below(where, entry.key));
      }
      report_unknown(entry, shape, where);
      return false;
    });
    return true;
  }

  void report_unknown(const YamlNode::Entry& entry, const Shape& shape, const std::string& where) {
    std::vector<std::string_view> names;
    for (const Field& field : shape.fields) names.push_back(field.name);
    const auto meant = contracts::nearest(entry.key, names);
    sink_.report(entry.key_position, where,
                 fmt::format("there is no field '{}'", contracts::printable(entry.key, 80)),
                 meant ? fmt::format("did you mean {}?", *meant)
                       : fmt::format("there are {}", fmt::join(names, ", ")));
  }

  bool check_named(YamlNode& node, const Shape& shape, const std::string& where) {
    keep_good(node, [&](YamlNode::Entry& entry) {
      const auto key = shape.key->read(entry.key, context_);
      // Its name is known, though it may be wrong.
      check(entry.value, *shape.item, below(where, entry.key));
      return key || report(entry.key_position, where, key.error());
    });
    return true;
  }

  bool report(Position position, const std::string& where, const Error& error) {
    sink_.report(position, where, error);
    return false;
  }

  const ScalarContext& context_;
  DiagnosticSink& sink_;
};

}  // namespace

void check_shape(YamlNode& node, const Shape& shape, const ScalarContext& context,
                 DiagnosticSink& sink) {
  Checker(context, sink).check(node, shape, {});
}

std::string below(std::string_view where, std::string_view key) {
  if (key.empty()) return std::string(where);
  return where.empty() ? std::string(key) : fmt::format("{}.{}", where, key);
}

}  // namespace unbolt::control
