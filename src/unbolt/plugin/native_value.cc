#include "unbolt/plugin/native_value.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "unbolt/component/strings.h"
#include "unbolt/component/type_rules.h"

namespace unbolt::plugin {

using component::CaseValue;
using component::FlagsValue;
using component::Type;
using component::TypeKind;
using component::Value;
using component::Values;
using component::Width;

namespace {

constexpr std::uint64_t kMostLoaded = 64u << 20;  // of the host's memory, for one answer

template <class T>
T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <class T>
void store(std::uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
std::uint32_t load_sized(const std::uint8_t* at, std::uint32_t size) {
  return size == 1   ? load<std::uint8_t>(at)
         : size == 2 ? load<std::uint16_t>(at)
                     : load<std::uint32_t>(at);
}
void store_sized(std::uint8_t* at, std::uint32_t size, std::uint64_t value) {
  std::memcpy(at, &value, size);  // the lowest bytes come first
}

bool is_variant(TypeKind kind) {
  using enum TypeKind;
  return kind == Variant || kind == Enum || kind == Option || kind == TypeKind::Result;
}
// An enum's cases are its labels where no children stand for them.
std::size_t cases_of(const Type& type) {
  return std::max(type.children.size(), type.kind == TypeKind::Enum ? type.labels.size() : 0);
}
const Type* payload_of(const Type& type, std::uint32_t index) {
  return index < type.children.size() ? type.children[index] : nullptr;
}
bool is_byte_list(const Type& type) {
  return type.kind == TypeKind::List && !type.length && type.children[0]->kind == TypeKind::U8;
}
const Type& element_of(const Type& type) {
  return *type.children[type.kind == TypeKind::Map ? 2 : 0];
}

template <class F>
Result<> each_field(const Type& type, F visit) {
  const bool list = type.kind == TypeKind::List;
  const std::size_t count = list ? *type.length : type.children.size();
  std::uint32_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Type& field = *type.children[list ? 0 : i];
    offset = component::align_to(offset, field.wide.alignment);
    UNBOLT_TRY(visit(field, i, offset));
    offset += field.wide.size;
  }
  return {};
}

// ---- Signatures

void append(const Type* type, std::string& out);

void append_all(const std::vector<const Type*>& types, std::string& out) {
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (i) out += ", ";
    append(types[i], out);
  }
}

void append(const Type* type, std::string& out) {
  if (!type) {
    out += '_';
    return;
  }
  // What is nested beyond this is refused when it is met.
  constexpr std::size_t kMost = 16 * 1024;
  if (out.size() > kMost) return;
  switch (type->kind) {
    case TypeKind::Record:
    case TypeKind::Tuple:
      out += '{';
      append_all(type->children, out);
      out += '}';
      return;
    case TypeKind::Variant:
      out += "variant{";
      append_all(type->children, out);
      out += '}';
      return;
    case TypeKind::List:
      out += "list<";
      append(type->children[0], out);
      if (type->length) out += fmt::format(", {}", *type->length);
      out += '>';
      return;
    case TypeKind::Map:
      out += "map<";
      append(type->children[0], out);
      out += ", ";
      append(type->children[1], out);
      out += '>';
      return;
    case TypeKind::Flags: out += fmt::format("flags{{{}}}", type->labels.size()); return;
    case TypeKind::Enum: out += fmt::format("enum{{{}}}", cases_of(*type)); return;
    case TypeKind::Option:
      out += "option<";
      append(payload_of(*type, 1), out);
      out += '>';
      return;
    case TypeKind::Result:
      out += "result<";
      append(payload_of(*type, 0), out);
      out += ", ";
      append(payload_of(*type, 1), out);
      out += '>';
      return;
    default: out += to_wit(type);
  }
}

// ---- Reading

class Reader {
 public:
  Result<Value> read(const Type& type, const std::uint8_t* at) {
    Value value;
    UNBOLT_TRY(read_into(type, at, value));
    return value;
  }

 private:
  Result<> charge(std::uint64_t bytes) {
    loaded_ += bytes;
    if (loaded_ <= kMostLoaded) return {};
    return fail(ErrorCode::LimitExceeded, "the answer is larger than 64 MiB");
  }

  Result<> read_span(const Type& type, const std::uint8_t* at, Value& out) {
    const auto data = load<const std::uint8_t*>(at);
    const auto count = load<std::uint64_t>(at + 8);
    const bool text = type.kind == TypeKind::String;
    const std::uint32_t size = text ? 1 : element_of(type).wide.size;
    if (count > component::kMaxListBytes || count * std::max(1u, size) > component::kMaxListBytes)
      return fail(ErrorCode::InvalidArgument, "a {} of {} elements is longer than there may be",
                  text ? "string" : "list", count);
    if (!data && count)
      return fail(ErrorCode::InvalidArgument, "a {} of {} elements lies nowhere: its data is null",
                  text ? "string" : "list", count);
    if (text || is_byte_list(type)) {
      UNBOLT_TRY(charge(count));
      const ByteView bytes(data, count);
      if (!text) {
        out.of = Bytes(bytes.begin(), bytes.end());
        return {};
      }
      if (!component::valid_utf8(bytes))
        return fail(ErrorCode::InvalidArgument, "a string of {} bytes is not UTF-8", count);
      out.of.emplace<std::string>(reinterpret_cast<const char*>(data), count);
      return {};
    }
    UNBOLT_TRY(charge(count * sizeof(Value)));
    auto& values = out.of.emplace<Values>(count);
    for (std::uint64_t i = 0; i < count; ++i)
      UNBOLT_TRY(read_into(element_of(type), data + i * size, values[i]));
    return {};
  }

  Result<> read_into(const Type& type, const std::uint8_t* at, Value& out) {
    using enum TypeKind;
    if (is_variant(type.kind)) {
      const auto index = load_sized(at, component::discriminant_size(cases_of(type)));
      if (index >= cases_of(type))
        return fail(ErrorCode::InvalidArgument, "case {} of a type that has {}", index,
                    cases_of(type));
      CaseValue chosen{.index = index};
      if (const Type* payload = payload_of(type, index)) {
        UNBOLT_TRY(charge(sizeof(Value)));
        chosen.payload = std::make_unique<Value>();
        UNBOLT_TRY(
            read_into(*payload, at + component::payload_offset(type, Width::W64), *chosen.payload));
      }
      out.of = std::move(chosen);
      return {};
    }
    switch (type.kind) {
      case Bool: out.of = load<std::uint8_t>(at) != 0; return {};
      case S8: out.of = std::int64_t{load<std::int8_t>(at)}; return {};
      case S16: out.of = std::int64_t{load<std::int16_t>(at)}; return {};
      case S32: out.of = std::int64_t{load<std::int32_t>(at)}; return {};
      case S64: out.of = load<std::int64_t>(at); return {};
      case U8: out.of = std::uint64_t{load<std::uint8_t>(at)}; return {};
      case U16: out.of = std::uint64_t{load<std::uint16_t>(at)}; return {};
      case U32: out.of = std::uint64_t{load<std::uint32_t>(at)}; return {};
      case U64: out.of = load<std::uint64_t>(at); return {};
      case F32: out.of = load<float>(at); return {};
      case F64: out.of = load<double>(at); return {};
      case Char: {
        const auto c = load<std::uint32_t>(at);
        if (!component::valid_char(c))
          return fail(ErrorCode::InvalidArgument, "{:#x} is no Unicode scalar value", c);
        out.of = static_cast<char32_t>(c);
        return {};
      }
      case Flags:
        out.of = FlagsValue{load_sized(at, type.wide.size) & component::flag_mask(type)};
        return {};
      case String:
      case Map: return read_span(type, at, out);
      case List:
        if (!type.length) return read_span(type, at, out);
        [[fallthrough]];
      case Record:
      case Tuple: {
        const std::size_t count = type.kind == List ? *type.length : type.children.size();
        UNBOLT_TRY(charge(std::uint64_t{count} * sizeof(Value)));
        auto& fields = out.of.emplace<Values>(count);
        return each_field(type, [&](const Type& field, std::size_t i, std::uint32_t offset) {
          return read_into(field, at + offset, fields[i]);
        });
      }
      default: return fail(ErrorCode::Unsupported, "{} cannot cross to a plug-in", to_wit(&type));
    }
  }

  std::uint64_t loaded_ = 0;
};

}  // namespace

void* Arena::allocate(std::size_t size, std::size_t alignment) {
  const auto waste = -reinterpret_cast<std::uintptr_t>(next_) & (alignment - 1);
  if (waste <= left_ && size <= left_ - waste) {
    void* at = next_ + waste;
    next_ += waste + size;
    left_ -= waste + size;
    return at;
  }
  if (size > kMost - all_) return nullptr;
  constexpr std::size_t kBlock = 4096;
  const std::size_t block = std::max(size, kBlock);
  all_ += std::min(block, kMost - all_);
  // Of `new`, so aligned for anything up to 16 bytes.
  std::byte* const made =
      blocks_.emplace_back(std::make_unique_for_overwrite<std::byte[]>(block)).get();
  if (block - size > left_) {
    next_ = made + size;
    left_ = block - size;
  }
  return made;
}

std::string signature_of(const component::FuncType& type) {
  std::string text = "func(";
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    if (i) text += ", ";
    append(type.params[i].type, text);
  }
  text += ')';
  if (type.result) {
    text += " -> ";
    append(type.result, text);
  }
  return text;
}

Result<> store_native(const Type& type, const Value& value, std::uint8_t* at, Arena& arena) {
  using enum TypeKind;
  const auto span = [&](const void* data, std::size_t count) {
    store(at, data);
    store(at + 8, std::uint64_t{count});
  };
  if (is_variant(type.kind)) {
    const auto& chosen = std::get<CaseValue>(value.of);
    store_sized(at, component::discriminant_size(cases_of(type)), chosen.index);
    if (!chosen.payload) return {};
    return store_native(*payload_of(type, chosen.index), *chosen.payload,
                        at + component::payload_offset(type, Width::W64), arena);
  }
  switch (type.kind) {
    case Bool: store(at, static_cast<std::uint8_t>(std::get<bool>(value.of))); return {};
    case S8:
    case S16:
    case S32:
    case S64:
      store_sized(at, type.wide.size, static_cast<std::uint64_t>(std::get<std::int64_t>(value.of)));
      return {};
    case U8:
    case U16:
    case U32:
    case U64: store_sized(at, type.wide.size, std::get<std::uint64_t>(value.of)); return {};
    case F32: store(at, std::get<float>(value.of)); return {};
    case F64: store(at, std::get<double>(value.of)); return {};
    case Char: store(at, static_cast<std::uint32_t>(std::get<char32_t>(value.of))); return {};
    case Flags: store_sized(at, type.wide.size, std::get<FlagsValue>(value.of).bits); return {};
    case String: {
      const auto& text = std::get<std::string>(value.of);
      span(text.data(), text.size());
      return {};
    }
    case List:
    case Map:
    case Record:
    case Tuple: break;
    default: return fail(ErrorCode::Unsupported, "{} cannot cross to a plug-in", to_wit(&type));
  }
  if (is_byte_list(type)) {
    const auto& bytes = std::get<Bytes>(value.of);
    span(bytes.data(), bytes.size());
    return {};
  }
  const auto& values = std::get<Values>(value.of);
  if (type.kind == Record || type.kind == Tuple || type.length) {
    return each_field(type, [&](const Type& field, std::size_t i, std::uint32_t offset) {
      return store_native(field, values[i], at + offset, arena);
    });
  }
  const Type& element = element_of(type);
  const std::size_t size = element.wide.size * values.size();
  auto* const elements =
      static_cast<std::uint8_t*>(arena.allocate(size, std::min(16u, element.wide.alignment)));
  if (!elements)
    return fail(ErrorCode::LimitExceeded, "the arguments are larger than 64 MiB in a plug-in");
  std::memset(elements, 0, size);
  for (std::size_t i = 0; i < values.size(); ++i)
    UNBOLT_TRY(store_native(element, values[i], elements + i * element.wide.size, arena));
  span(elements, values.size());
  return {};
}

Result<Value> load_native(const Type& type, const std::uint8_t* at) {
  return Reader().read(type, at);
}

bool is_scalar(const Type& type) {
  return type.kind <= TypeKind::Char || type.kind == TypeKind::Enum || type.kind == TypeKind::Flags;
}

bool store_scalar(const Type& type, std::uint64_t bits, std::uint8_t* at) {
  const auto word = static_cast<std::uint32_t>(bits);
  switch (type.kind) {
    case TypeKind::Bool: store(at, static_cast<std::uint8_t>(word != 0)); return true;
    case TypeKind::Char: store(at, word); return component::valid_char(word);
    case TypeKind::Enum: store_sized(at, type.wide.size, word); return word < cases_of(type);
    case TypeKind::Flags:
      store_sized(at, type.wide.size, word & component::flag_mask(type));
      return true;
    default:
      switch (type.wide.size) {
        case 1: store(at, static_cast<std::uint8_t>(word)); return true;
        case 2: store(at, static_cast<std::uint16_t>(word)); return true;
        case 4: store(at, word); return true;
        default: store(at, bits); return true;
      }
  }
}

bool load_scalar(const Type& type, const std::uint8_t* at, std::uint64_t& bits) {
  const auto sign_extended = [](std::int32_t value) {
    return std::uint64_t{static_cast<std::uint32_t>(value)};
  };
  switch (type.kind) {
    case TypeKind::Bool: bits = load<std::uint8_t>(at) != 0; return true;
    case TypeKind::S8: bits = sign_extended(load<std::int8_t>(at)); return true;
    case TypeKind::S16: bits = sign_extended(load<std::int16_t>(at)); return true;
    case TypeKind::Char:
      bits = load<std::uint32_t>(at);
      return component::valid_char(static_cast<std::uint32_t>(bits));
    case TypeKind::Enum: bits = load_sized(at, type.wide.size); return bits < cases_of(type);
    case TypeKind::Flags:
      bits = load_sized(at, type.wide.size) & component::flag_mask(type);
      return true;
    default:
      bits = type.wide.size == 8 ? load<std::uint64_t>(at) : load_sized(at, type.wide.size);
      return true;
  }
}

}  // namespace unbolt::plugin
