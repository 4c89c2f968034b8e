#include "constants.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace unbolt::conformance {
namespace {

using component::CaseValue;
using component::FlagsValue;
using component::Type;
using component::TypeKind;
using component::Value;
using component::Values;
using nlohmann::json;

[[noreturn]] void mismatch(const Type& type, const json& constant) {
  throw std::runtime_error(fmt::format("{} is no {}", constant.dump(), component::to_wit(&type)));
}

// What the language calls constants of the type: scalars are called as in WIT.
std::string tag_of(const Type& type) {
  using enum TypeKind;
  switch (type.kind) {
    case Record: return "record";
    case Variant: return "variant";
    case List: return "list";
    case Tuple: return "tuple";
    case Flags: return "flags";
    case Enum: return "enum";
    case Option: return "option";
    case Result: return "result";
    case Map: return "map";
    default: return component::to_wit(&type);
  }
}

std::uint32_t label_index(const Type& type, const json& constant, const std::string& label) {
  const auto found = std::find(type.labels.begin(), type.labels.end(), label);
  if (found == type.labels.end()) mismatch(type, constant);
  return static_cast<std::uint32_t>(found - type.labels.begin());
}

Value chosen(const Type& type, std::uint32_t index, const json* payload) {
  CaseValue value{.index = index, .payload = nullptr};
  if (const Type* inner = type.children.at(index)) {
    value.payload = std::make_unique<Value>(read_constant(*inner, *payload));
  }
  return {std::move(value)};
}

char32_t first_char(const std::string& text) {
  const auto lead = static_cast<unsigned char>(text.at(0));
  const int more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  char32_t c = more == 0 ? lead : lead & (0x3f >> more);
  for (int i = 1; i <= more; ++i) c = (c << 6) | (static_cast<unsigned char>(text.at(i)) & 0x3f);
  return c;
}

// A map is a list of its pairs.
Value map_of(const Type& type, const json& pairs) {
  Values values;
  for (const auto& pair : pairs) values.push_back(read_constant(*type.children[2], pair));
  return {std::move(values)};
}

Value list_of(const Type& type, const json& items) {
  if (!type.length && type.children[0]->kind == TypeKind::U8) {
    Bytes bytes;
    for (const auto& item : items)
      bytes.push_back(static_cast<std::uint8_t>(std::stoul(item.at("value").get<std::string>())));
    return {std::move(bytes)};
  }
  Values values;
  for (const auto& item : items) values.push_back(read_constant(*type.children[0], item));
  return {std::move(values)};
}

}  // namespace

Value read_constant(const Type& type, const json& constant) {
  using enum TypeKind;
  const std::string tag = constant.at("type");
  if (tag != tag_of(type) && !(type.kind == Map && tag == "list")) mismatch(type, constant);
  const json& value = constant.contains("value") ? constant["value"] : constant;
  switch (type.kind) {
    case Bool: return {value.get<bool>()};
    case S8:
    case S16:
    case S32:
    case S64: return {std::int64_t{std::stoll(value.get<std::string>())}};
    case U8:
    case U16:
    case U32:
    case U64: return {std::uint64_t{std::stoull(value.get<std::string>())}};
    case F32:
      return {
          std::bit_cast<float>(static_cast<std::uint32_t>(std::stoul(value.get<std::string>())))};
    case F64: return {std::bit_cast<double>(std::uint64_t{std::stoull(value.get<std::string>())})};
    case Char: return {first_char(value.get<std::string>())};
    case String: return {value.get<std::string>()};
    case List: return list_of(type, value);
    case Map: return map_of(type, value);
    case Tuple: {
      if (value.size() != type.children.size()) mismatch(type, constant);
      Values values;
      for (std::size_t i = 0; i < value.size(); ++i)
        values.push_back(read_constant(*type.children[i], value[i]));
      return {std::move(values)};
    }
    case Record: {
      if (value.size() != type.children.size()) mismatch(type, constant);
      Values values(value.size());
      for (const auto& field : value) {
        const auto index = label_index(type, constant, field.at(0));
        values[index] = read_constant(*type.children[index], field.at(1));
      }
      return {std::move(values)};
    }
    case Variant:
      return chosen(type, label_index(type, constant, value.at("case")),
                    value.contains("payload") ? &value["payload"] : nullptr);
    case Enum: return chosen(type, label_index(type, constant, value), nullptr);
    case Option: return chosen(type, value.is_null() ? 0 : 1, &value);
    case Result:
      return value.contains("Ok") ? chosen(type, 0, &value["Ok"]) : chosen(type, 1, &value["Err"]);
    case Flags: {
      FlagsValue flags;
      for (const auto& name : value) flags.bits |= 1u << label_index(type, constant, name);
      return {flags};
    }
    default: mismatch(type, constant);
  }
}

bool equal(const Value& a, const Value& b) {
  if (a.of.index() != b.of.index()) return false;
  return std::visit(
      [&](const auto& left) {
        using T = std::decay_t<decltype(left)>;
        const auto& right = std::get<T>(b.of);
        if constexpr (std::is_floating_point_v<T>) {
          return (std::isnan(left) && std::isnan(right)) ||
                 (left == right && std::signbit(left) == std::signbit(right));
        } else if constexpr (std::is_same_v<T, Values>) {
          return std::equal(left.begin(), left.end(), right.begin(), right.end(), equal);
        } else if constexpr (std::is_same_v<T, CaseValue>) {
          return left.index == right.index &&
                 (!left.payload || equal(*left.payload, *right.payload));
        } else if constexpr (std::is_same_v<T, component::OwnValue> ||
                             std::is_same_v<T, component::BorrowValue>) {
          return false;  // no constant stands for one
        } else if constexpr (std::is_same_v<T, FlagsValue>) {
          return left.bits == right.bits;
        } else {
          return left == right;
        }
      },
      a.of);
}

}  // namespace unbolt::conformance
