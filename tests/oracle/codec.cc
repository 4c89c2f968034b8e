#include "codec.h"

#include <bit>
#include <cmath>
#include <stdexcept>

#include "shape.h"

namespace unbolt::oracle {

using component::CaseValue;
using component::FlagsValue;
using component::Type;
using component::Value;
using component::Values;
using enum component::TypeKind;

namespace {

bool is_signed(TypeKind kind) { return kind == S8 || kind == S16 || kind == S32 || kind == S64; }
bool is_bytes(const Type& type) {
  return type.kind == List && !type.length && type.children[0]->kind == U8;
}

}  // namespace

ByteView Decoder::take(std::size_t count) {
  if (count > bytes_.size()) throw std::runtime_error("a value ends too early");
  const ByteView head = bytes_.first(count);
  bytes_ = bytes_.subspan(count);
  return head;
}
std::uint8_t Decoder::u8() { return take(1)[0]; }
std::uint32_t Decoder::u32() {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= std::uint32_t{u8()} << (8 * i);
  return value;
}
std::uint64_t Decoder::u64() {
  const std::uint64_t low = u32();
  return low | std::uint64_t{u32()} << 32;
}
ByteView Decoder::counted() { return take(u32()); }

Value Decoder::value(const Type& type) {
  const auto many = [&](std::size_t count, const Type& element) {
    Values values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(value(element));
    return Value{std::move(values)};
  };
  switch (type.kind) {
    case Bool: return {u8() != 0};
    case F32: return {std::bit_cast<float>(u32())};
    case F64: return {std::bit_cast<double>(u64())};
    case Char: return {static_cast<char32_t>(u32())};
    case Flags: return {FlagsValue{u32()}};
    case String: return {std::string(as_text(counted()))};
    case component::TypeKind::Own:
    case component::TypeKind::Borrow: return make_(type, u32());
    case Variant:
    case Enum:
    case Option:
    case component::TypeKind::Result: {
      CaseValue chosen{.index = u32()};
      if (const Type* payload = type.children.at(chosen.index))
        chosen.payload = std::make_unique<Value>(value(*payload));
      return {std::move(chosen)};
    }
    case List: {
      if (type.length) return many(*type.length, *type.children[0]);
      const std::uint32_t count = u32();
      if (!is_bytes(type)) return many(count, *type.children[0]);
      Bytes bytes;
      for (std::uint32_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(u64()));
      return {std::move(bytes)};
    }
    case Map: return many(u32(), *type.children[2]);
    case Record:
    case Tuple: {
      Values values;
      for (const Type* field : type.children) values.push_back(value(*field));
      return {std::move(values)};
    }
    default:
      if (is_signed(type.kind)) return {static_cast<std::int64_t>(u64())};
      return {u64()};
  }
}

void encode(const Type& type, Value& value, const ReadHandle& read, Bytes& out) {
  const auto many = [&](const Type& element) {
    for (Value& item : std::get<Values>(value.of)) encode(element, item, read, out);
  };
  const auto count = [&] {
    put_u32(out, static_cast<std::uint32_t>(std::get<Values>(value.of).size()));
  };
  switch (type.kind) {
    case Bool: out.push_back(std::get<bool>(value.of)); return;
    case F32: {
      const float number = std::get<float>(value.of);
      return put_u32(out, std::isnan(number) ? 0x7fc00000 : std::bit_cast<std::uint32_t>(number));
    }
    case F64: {
      const double number = std::get<double>(value.of);
      return put_u64(
          out, std::isnan(number) ? 0x7ff8000000000000 : std::bit_cast<std::uint64_t>(number));
    }
    case Char: return put_u32(out, std::get<char32_t>(value.of));
    case Flags: return put_u32(out, std::get<FlagsValue>(value.of).bits);
    case String: return put_counted(out, std::get<std::string>(value.of));
    case component::TypeKind::Own:
    case component::TypeKind::Borrow: return put_u32(out, read(value));
    case Variant:
    case Enum:
    case Option:
    case component::TypeKind::Result: {
      const auto& chosen = std::get<CaseValue>(value.of);
      put_u32(out, chosen.index);
      if (const Type* payload = type.children.at(chosen.index))
        encode(*payload, *chosen.payload, read, out);
      return;
    }
    case List:
      if (is_bytes(type)) {
        const auto& bytes = std::get<Bytes>(value.of);
        put_u32(out, static_cast<std::uint32_t>(bytes.size()));
        for (const std::uint8_t byte : bytes) put_u64(out, byte);
        return;
      }
      if (!type.length) count();
      return many(*type.children[0]);
    case Map: count(); return many(*type.children[2]);
    case Record:
    case Tuple: {
      auto& values = std::get<Values>(value.of);
      for (std::size_t i = 0; i < values.size(); ++i)
        encode(*type.children[i], values[i], read, out);
      return;
    }
    default:
      if (is_signed(type.kind))
        return put_u64(out, static_cast<std::uint64_t>(std::get<std::int64_t>(value.of)));
      return put_u64(out, std::get<std::uint64_t>(value.of));
  }
}

}  // namespace unbolt::oracle
