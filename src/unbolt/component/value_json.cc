#include "unbolt/component/value_json.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "unbolt/component/strings.h"

namespace unbolt::component {
namespace {

using nlohmann::ordered_json;
using enum TypeKind;

// Deeper JSON than types can be is refused by the types themselves.
constexpr std::size_t kShown = 60;

std::string shown(const ordered_json& json) {
  std::string text = json.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
  if (text.size() > kShown) text = text.substr(0, kShown) + "…";
  return text;
}

// One reading, with the place in the JSON that it has come to.
class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  unbolt::Result<Value> read(const Type& type, const ordered_json& json) {
    Value value;
    if (!into(type, json, value)) return std::unexpected(std::move(error_));
    return value;
  }

 private:
  bool refuse(std::string_view expected, const ordered_json& json) {
    error_ = Error{ErrorCode::InvalidArgument,
                   fmt::format("{}: expected {}, found {}", where_, expected, shown(json)),
                   {}};
    return false;
  }
  // Reads a part whose place is called `step`.
  bool part(const Type& type, const ordered_json& json, std::string_view step, Value& out) {
    const std::size_t size = where_.size();
    where_ += step;
    if (!into(type, json, out)) return false;
    where_.resize(size);
    return true;
  }

  bool into(const Type& type, const ordered_json& json, Value& out) {
    switch (type.kind) {
      case Bool:
        if (!json.is_boolean()) return refuse("true or false", json);
        out.of = json.get<bool>();
        return true;
      case S8: return signed_integer(json, INT8_MIN, INT8_MAX, type, out);
      case S16: return signed_integer(json, INT16_MIN, INT16_MAX, type, out);
      case S32: return signed_integer(json, INT32_MIN, INT32_MAX, type, out);
      case S64: return signed_integer(json, INT64_MIN, INT64_MAX, type, out);
      case U8: return unsigned_integer(json, UINT8_MAX, type, out);
      case U16: return unsigned_integer(json, UINT16_MAX, type, out);
      case U32: return unsigned_integer(json, UINT32_MAX, type, out);
      case U64: return unsigned_integer(json, UINT64_MAX, type, out);
      case F32:
      case F64: return number(type, json, out);
      case Char: return character(json, out);
      case String:
        if (!json.is_string()) return refuse("a string", json);
        out.of = json.get<std::string>();
        return true;
      case List: return list(type, json, out);
      case Map: return map(type, json, out);
      case Tuple: return tuple(type, json, out);
      case Record: return record(type, json, out);
      case Flags: return flags(type, json, out);
      case Enum: return enumerator(type, json, out);
      case Option: return option(type, json, out);
      case Variant:
      case Result: return variant(type, json, out);
      default: return refuse("nothing that JSON could say (" + to_wit(&type) + ")", json);
    }
  }

  template <class T>
  static bool parse(const ordered_json& json, T& out) {
    const auto& text = json.get_ref<const std::string&>();
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return ec == std::errc() && end == text.data() + text.size() && !text.empty();
  }
  bool signed_integer(const ordered_json& json, std::int64_t least, std::int64_t most,
                      const Type& type, Value& out) {
    std::int64_t value = 0;
    bool good = json.is_number_integer();
    if (good && json.is_number_unsigned())
      good = json.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
    if (good) {
      value = json.get<std::int64_t>();
    } else if (json.is_string() && type.kind == S64) {
      good = parse(json, value);
    }
    if (!good || value < least || value > most)
      return refuse("a number of type " + to_wit(&type), json);
    out.of = value;
    return true;
  }
  bool unsigned_integer(const ordered_json& json, std::uint64_t most, const Type& type,
                        Value& out) {
    std::uint64_t value = 0;
    bool good =
        json.is_number_unsigned() || (json.is_number_integer() && json.get<std::int64_t>() >= 0);
    if (good) {
      value = json.get<std::uint64_t>();
    } else if (json.is_string() && type.kind == U64) {
      good = parse(json, value);
    }
    if (!good || value > most) return refuse("a number of type " + to_wit(&type), json);
    out.of = value;
    return true;
  }
  bool number(const Type& type, const ordered_json& json, Value& out) {
    double value = 0;
    if (json.is_number()) {
      value = json.get<double>();
    } else if (json == "NaN") {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (json == "Infinity" || json == "-Infinity") {
      value = json == "Infinity" ? HUGE_VAL : -HUGE_VAL;
    } else {
      return refuse("a number", json);
    }
    if (type.kind == F32)
      out.of = static_cast<float>(value);
    else
      out.of = value;
    return true;
  }
  bool character(const ordered_json& json, Value& out) {
    if (!json.is_string()) return refuse("a string of one character", json);
    const auto& text = json.get_ref<const std::string&>();
    std::vector<char16_t> units(text.size());
    units.resize(utf8_to_utf16(text, units.data()));
    if (units.size() == 1) {
      out.of = char32_t{units[0]};
    } else if (units.size() == 2 && units[0] >= 0xd800 && units[0] < 0xdc00) {
      out.of = static_cast<char32_t>(0x10000 + ((units[0] - 0xd800u) << 10) + (units[1] - 0xdc00u));
    } else {
      return refuse("a string of one character", json);
    }
    return true;
  }

  bool elements(const Type& element, const ordered_json& json, Values& out) {
    out.resize(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
      if (!part(element, json[i], fmt::format("[{}]", i), out[i])) return false;
    }
    return true;
  }
  bool list(const Type& type, const ordered_json& json, Value& out) {
    if (!json.is_array()) return refuse("an array", json);
    if (type.length && json.size() != *type.length)
      return refuse(fmt::format("an array of {}", *type.length), json);
    const Type& element = *type.children[0];
    if (element.kind != U8 || type.length) return elements(element, json, out.of.emplace<Values>());
    auto& bytes = out.of.emplace<Bytes>();
    bytes.reserve(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
      Value byte;
      if (!part(element, json[i], fmt::format("[{}]", i), byte)) return false;
      bytes.push_back(static_cast<std::uint8_t>(std::get<std::uint64_t>(byte.of)));
    }
    return true;
  }
  bool map(const Type& type, const ordered_json& json, Value& out) {
    if (!json.is_array()) return refuse("an array of [key, value]", json);
    return elements(*type.children[2], json, out.of.emplace<Values>());
  }
  bool tuple(const Type& type, const ordered_json& json, Value& out) {
    if (!json.is_array() || json.size() != type.children.size())
      return refuse(fmt::format("an array of {}", type.children.size()), json);
    auto& fields = out.of.emplace<Values>(type.children.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!part(*type.children[i], json[i], fmt::format("[{}]", i), fields[i])) return false;
    }
    return true;
  }

  // The member for a label, by either spelling.
  static const ordered_json* member(const ordered_json& json, const std::string& label) {
    auto found = json.find(camel_case(label));
    if (found == json.end()) found = json.find(label);
    return found == json.end() ? nullptr : &*found;
  }
  bool only_labels(const Type& type, const ordered_json& json) {
    for (const auto& [name, ignored] : json.items()) {
      bool known = false;
      for (const auto& label : type.labels) known |= name == label || name == camel_case(label);
      if (!known) return refuse("only the members of " + to_wit(&type), ordered_json(name));
    }
    return true;
  }
  bool record(const Type& type, const ordered_json& json, Value& out) {
    if (!json.is_object()) return refuse("an object", json);
    if (!only_labels(type, json)) return false;
    auto& fields = out.of.emplace<Values>(type.children.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto* found = member(json, type.labels[i]);
      if (!found && type.children[i]->kind != Option)
        return refuse("a member \"" + camel_case(type.labels[i]) + '"', json);
      if (!part(*type.children[i], found ? *found : ordered_json(),
                '.' + camel_case(type.labels[i]), fields[i]))
        return false;
    }
    return true;
  }
  bool flags(const Type& type, const ordered_json& json, Value& out) {
    if (!json.is_object()) return refuse("an object of true and false", json);
    if (!only_labels(type, json)) return false;
    FlagsValue set;
    for (std::size_t i = 0; i < type.labels.size(); ++i) {
      const auto* found = member(json, type.labels[i]);
      if (!found) continue;
      if (!found->is_boolean()) return refuse("true or false for " + type.labels[i], *found);
      if (found->get<bool>()) set.bits |= 1u << i;
    }
    out.of = set;
    return true;
  }

  static std::string alternatives(const Type& type) {
    std::string text;
    for (const auto& label : type.labels) text += (text.empty() ? "\"" : ", \"") + label + '"';
    return text;
  }
  bool enumerator(const Type& type, const ordered_json& json, Value& out) {
    for (std::uint32_t i = 0; json.is_string() && i < type.labels.size(); ++i) {
      if (json == type.labels[i]) {
        out.of = CaseValue{i, nullptr};
        return true;
      }
    }
    return refuse("one of " + alternatives(type), json);
  }
  bool option(const Type& type, const ordered_json& json, Value& out) {
    const Type& some = *type.children[1];
    if (some.kind == Option) return tagged({"none", "some"}, type, json, out);
    if (json.is_null()) {
      out.of = CaseValue{0, nullptr};
      return true;
    }
    auto& chosen = out.of.emplace<CaseValue>(CaseValue{1, std::make_unique<Value>()});
    return into(some, json, *chosen.payload);
  }
  bool variant(const Type& type, const ordered_json& json, Value& out) {
    if (type.kind == Result) return tagged({"ok", "err"}, type, json, out);
    return tagged(type.labels, type, json, out);
  }
  bool tagged(const std::vector<std::string>& labels, const Type& type, const ordered_json& json,
              Value& out) {
    const auto tag = json.is_object() ? json.find("tag") : json.end();
    for (std::uint32_t i = 0; json.is_object() && tag != json.end() && i < labels.size(); ++i) {
      if (*tag != labels[i]) continue;
      auto& chosen = out.of.emplace<CaseValue>();
      chosen.index = i;
      const auto val = json.find("val");
      const Type* payload = type.children[i];
      if (json.size() > 1u + (val != json.end()) ||
          (!payload && val != json.end() && !val->is_null()))
        return refuse(payload ? "only \"tag\" and \"val\"" : "only a \"tag\"", json);
      if (!payload) return true;
      chosen.payload = std::make_unique<Value>();
      return part(*payload, val == json.end() ? ordered_json() : *val, ".val", *chosen.payload);
    }
    std::string expected = "{\"tag\": …, \"val\": …} with one of ";
    for (std::size_t i = 0; i < labels.size(); ++i)
      expected += (i ? ", \"" : "\"") + labels[i] + '"';
    return refuse(expected, json);
  }

  std::string where_;
  Error error_;
};

std::string utf8(char32_t c) {
  std::vector<char16_t> units;
  if (c < 0x10000) {
    units = {static_cast<char16_t>(c)};
  } else {
    units = {static_cast<char16_t>(0xd800 + ((c - 0x10000) >> 10)),
             static_cast<char16_t>(0xdc00 + ((c - 0x10000) & 0x3ff))};
  }
  return utf16_to_utf8(units).value_or("");
}

ordered_json from_double(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}
// The shortest number that is the same float, not the double's many digits.
ordered_json from_float(float value) {
  if (!std::isfinite(value)) return from_double(value);
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double shortest = 0;
  std::from_chars(text, end, shortest);
  return shortest;
}

ordered_json tagged(std::string_view tag, const Type* payload, const CaseValue& value) {
  ordered_json out{{"tag", tag}};
  if (payload) out["val"] = value_to_json(*payload, *value.payload);
  return out;
}

}  // namespace

std::string camel_case(std::string_view label) {
  std::string out;
  bool upper = false;
  for (const char c : label) {
    if (c == '-') {
      upper = true;
    } else {
      out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return out;
}

unbolt::Result<Value> value_from_json(const Type& type, const ordered_json& json,
                                      const std::string& where) {
  return Reader(where).read(type, json);
}

unbolt::Result<Values> arguments_from_json(const FuncType& type, const ordered_json& json) {
  Values arguments;
  if (json.is_array() ? json.size() != type.params.size() : !json.is_object()) {
    return fail(ErrorCode::InvalidArgument,
                "expected a JSON array of {} {}, or an object with their names; the function is {}",
                type.params.size(), type.params.size() == 1 ? "argument" : "arguments",
                to_wit(type));
  }
  std::size_t used = 0;
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    const Param& param = type.params[i];
    const ordered_json none;
    const ordered_json* given = &none;
    if (json.is_array()) {
      given = &json[i];
    } else if (auto found = json.find(camel_case(param.name)); found != json.end()) {
      given = &*found;
      ++used;
    } else if (found = json.find(param.name); found != json.end()) {
      given = &*found;
      ++used;
    }
    UNBOLT_ASSIGN(Value value, value_from_json(*param.type, *given, "argument " + param.name));
    arguments.push_back(std::move(value));
  }
  if (json.is_object() && used != json.size()) {
    return fail(ErrorCode::InvalidArgument, "an argument has no such name; the function is {}",
                to_wit(type));
  }
  return arguments;
}

ordered_json value_to_json(const Type& type, const Value& value) {
  switch (type.kind) {
    case Bool: return std::get<bool>(value.of);
    case S8:
    case S16:
    case S32:
    case S64: return std::get<std::int64_t>(value.of);
    case U8:
    case U16:
    case U32:
    case U64: return std::get<std::uint64_t>(value.of);
    case F32: return from_float(std::get<float>(value.of));
    case F64: return from_double(std::get<double>(value.of));
    case Char: return utf8(std::get<char32_t>(value.of));
    case String: return std::get<std::string>(value.of);
    case List:
      if (const auto* bytes = std::get_if<Bytes>(&value.of)) return ordered_json(*bytes);
      [[fallthrough]];
    case Map:
    case Tuple: {
      auto out = ordered_json::array();
      const auto& parts = std::get<Values>(value.of);
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::size_t child = type.kind == Tuple ? i : type.kind == Map ? 2 : 0;
        out.push_back(value_to_json(*type.children[child], parts[i]));
      }
      return out;
    }
    case Record: {
      auto out = ordered_json::object();
      const auto& fields = std::get<Values>(value.of);
      for (std::size_t i = 0; i < fields.size(); ++i)
        out[camel_case(type.labels[i])] = value_to_json(*type.children[i], fields[i]);
      return out;
    }
    case Flags: {
      auto out = ordered_json::object();
      const auto bits = std::get<FlagsValue>(value.of).bits;
      for (std::size_t i = 0; i < type.labels.size(); ++i)
        out[camel_case(type.labels[i])] = (bits >> i & 1) != 0;
      return out;
    }
    case Enum: return type.labels[std::get<CaseValue>(value.of).index];
    case Option: {
      const auto& chosen = std::get<CaseValue>(value.of);
      if (type.children[1]->kind == Option)
        return tagged(chosen.index ? "some" : "none", type.children[chosen.index], chosen);
      return chosen.index ? value_to_json(*type.children[1], *chosen.payload) : ordered_json();
    }
    case Result: {
      const auto& chosen = std::get<CaseValue>(value.of);
      return tagged(chosen.index ? "err" : "ok", type.children[chosen.index], chosen);
    }
    case Variant: {
      const auto& chosen = std::get<CaseValue>(value.of);
      return tagged(type.labels[chosen.index], type.children[chosen.index], chosen);
    }
    default: return nullptr;
  }
}

}  // namespace unbolt::component
