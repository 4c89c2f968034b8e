#include "unbolt/component/value_json.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "unbolt/component/json_text.h"
#include "unbolt/component/strings.h"

namespace unbolt::component {
namespace {

using nlohmann::ordered_json;
using enum TypeKind;

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
  // 1.0 and 1e3 are integers in JSON; beyond 2^53 it is not known which one was meant.
  static bool is_whole(const ordered_json& json) {
    if (!json.is_number_float()) return false;
    const double value = json.get<double>();
    return std::trunc(value) == value && std::abs(value) <= 9007199254740992.0;
  }
  bool signed_integer(const ordered_json& json, std::int64_t least, std::int64_t most,
                      const Type& type, Value& out) {
    std::int64_t value = 0;
    bool good = json.is_number_integer();
    if (good && json.is_number_unsigned())
      good = json.get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX);
    if (good) {
      value = json.get<std::int64_t>();
    } else if (is_whole(json)) {
      value = static_cast<std::int64_t>(json.get<double>());
      good = true;
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
    } else if (is_whole(json) && json.get<double>() >= 0) {
      value = static_cast<std::uint64_t>(json.get<double>());
      good = true;
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
    const std::u16string units = utf8_to_utf16(text);
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

// The shortest number that is read back as the same; of a float fewer digits than of its double.
template <class T>
void write_number(T value, std::string& out) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return append_json_string(out, "NaN");
    if (std::isinf(value)) return append_json_string(out, value > 0 ? "Infinity" : "-Infinity");
  }
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void write_tagged(std::string_view tag, const Type* payload, const CaseValue& value,
                  std::string& out) {
  out += "{\"tag\":";
  append_json_string(out, tag);
  if (payload) {
    out += ",\"val\":";
    write_json(*payload, *value.payload, out);
  }
  out += '}';
}

// `write(i)` writes the part; commas stand between them.
template <class F>
void write_parts(std::string_view brackets, std::size_t count, std::string& out, F write) {
  out += brackets[0];
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    write(i);
  }
  out += brackets[1];
}

// Each member is an argument.
unbolt::Result<> check_names(const FuncType& type, const ordered_json& json) {
  for (const auto& [name, ignored] : json.items()) {
    bool known = false;
    for (const auto& param : type.params)
      known |= name == param.name || name == camel_case(param.name);
    if (!known) {
      return fail(ErrorCode::InvalidArgument, "no argument has the name {}; the function is {}",
                  shown(name), to_wit(type));
    }
  }
  return {};
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
  if (json.is_object()) UNBOLT_TRY(check_names(type, json));
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    const Param& param = type.params[i];
    const ordered_json* given = nullptr;
    if (json.is_array()) {
      given = &json[i];
    } else if (auto found = json.find(camel_case(param.name)); found != json.end()) {
      given = &*found;
    } else if (found = json.find(param.name); found != json.end()) {
      given = &*found;
    }
    if (!given && param.type->kind != Option) {
      return fail(ErrorCode::InvalidArgument, "argument {} is missing; the function is {}",
                  param.name, to_wit(type));
    }
    UNBOLT_ASSIGN(Value value, value_from_json(*param.type, given ? *given : ordered_json(),
                                               "argument " + param.name));
    arguments.push_back(std::move(value));
  }
  return arguments;
}

unbolt::Result<Values> arguments_from_text(const FuncType& type, std::string_view text) {
  auto json = parse_json(text.empty() ? "[]" : text);
  if (!json) return std::unexpected(std::move(json).error().in("the arguments"));
  return arguments_from_json(type, *json);
}

void write_json(const Type& type, const Value& value, std::string& out) {
  const auto member = [&](std::size_t i) {
    append_json_string(out, camel_case(type.labels[i]));
    out += ':';
  };
  switch (type.kind) {
    case Bool: out += std::get<bool>(value.of) ? "true" : "false"; return;
    case S8:
    case S16:
    case S32:
    case S64: write_number(std::get<std::int64_t>(value.of), out); return;
    case U8:
    case U16:
    case U32:
    case U64: write_number(std::get<std::uint64_t>(value.of), out); return;
    case F32: write_number(std::get<float>(value.of), out); return;
    case F64: write_number(std::get<double>(value.of), out); return;
    case Char: append_json_string(out, utf8(std::get<char32_t>(value.of))); return;
    case String: append_json_string(out, std::get<std::string>(value.of)); return;
    case List:
      if (const auto* bytes = std::get_if<Bytes>(&value.of)) {
        write_parts("[]", bytes->size(), out,
                    [&](std::size_t i) { write_number((*bytes)[i], out); });
        return;
      }
      [[fallthrough]];
    case Map:
    case Tuple: {
      const auto& parts = std::get<Values>(value.of);
      write_parts("[]", parts.size(), out, [&](std::size_t i) {
        const std::size_t child = type.kind == Tuple ? i : type.kind == Map ? 2 : 0;
        write_json(*type.children[child], parts[i], out);
      });
      return;
    }
    case Record: {
      const auto& fields = std::get<Values>(value.of);
      write_parts("{}", fields.size(), out, [&](std::size_t i) {
        member(i);
        write_json(*type.children[i], fields[i], out);
      });
      return;
    }
    case Flags: {
      const auto bits = std::get<FlagsValue>(value.of).bits;
      write_parts("{}", type.labels.size(), out, [&](std::size_t i) {
        member(i);
        out += (bits >> i & 1) != 0 ? "true" : "false";
      });
      return;
    }
    case Enum: append_json_string(out, type.labels[std::get<CaseValue>(value.of).index]); return;
    case Option: {
      const auto& chosen = std::get<CaseValue>(value.of);
      if (type.children[1]->kind == Option)
        write_tagged(chosen.index ? "some" : "none", type.children[chosen.index], chosen, out);
      else if (chosen.index)
        write_json(*type.children[1], *chosen.payload, out);
      else
        out += "null";
      return;
    }
    case Result: {
      const auto& chosen = std::get<CaseValue>(value.of);
      write_tagged(chosen.index ? "err" : "ok", type.children[chosen.index], chosen, out);
      return;
    }
    case Variant: {
      const auto& chosen = std::get<CaseValue>(value.of);
      write_tagged(type.labels[chosen.index], type.children[chosen.index], chosen, out);
      return;
    }
    default: out += "null"; return;
  }
}

Outcome outcome_of(const FuncType& type, const std::optional<Value>& value) {
  if (!type.result) return {};
  if (type.result->kind != Result) return {.type = type.result, .value = &*value};
  const auto& chosen = std::get<CaseValue>(value->of);
  return {chosen.index == 1, type.result->children[chosen.index], chosen.payload.get()};
}

}  // namespace unbolt::component
