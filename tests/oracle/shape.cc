#include "shape.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace unbolt::oracle {
namespace {

using enum TypeKind;

constexpr TypeKind kScalars[] = {Bool, S8,  U8,  S16, U16,  S32,   U32,
                                 S64,  U64, F32, F64, Char, String};

Shape scalar(Random& random) {
  return {.kind = random.one_in(4) ? String : kScalars[random.below(std::size(kScalars))]};
}

Shape map_key(Random& random) {
  Shape key;
  do key = scalar(random);
  while (key.kind == F32 || key.kind == F64);
  return key;
}

Shape payload(Random& random, Lent lent, int depth, int& budget) {
  if (random.one_in(3)) return {.none = true};
  return random_shape(random, lent, depth, budget);
}

std::uint32_t label_count(Random& random, std::uint32_t most) {
  return 1 + random.below(random.one_in(6) ? most : std::min(most, 9u));
}

unsigned width(TypeKind kind) {
  switch (kind) {
    case S8:
    case U8: return 8;
    case S16:
    case U16: return 16;
    case S32:
    case U32: return 32;
    default: return 64;
  }
}
bool is_signed(TypeKind kind) { return kind == S8 || kind == S16 || kind == S32 || kind == S64; }

// As far as the type goes, and extended to 64 bits as its sign says.
std::uint64_t narrow(TypeKind kind, std::uint64_t bits) {
  const unsigned unused = 64 - width(kind);
  bits <<= unused;
  return is_signed(kind) ? static_cast<std::uint64_t>(static_cast<std::int64_t>(bits) >> unused)
                         : bits >> unused;
}

std::uint64_t random_integer(Random& random, TypeKind kind) {
  switch (random.below(4)) {
    case 0: return narrow(kind, random.below(3) - std::uint64_t{1});
    case 1: return narrow(kind, std::uint64_t{1} << random.below(64));
    case 2: return narrow(kind, (std::uint64_t{1} << random.below(64)) - 1);
    default: return narrow(kind, random.bits());
  }
}

std::uint32_t random_f32(Random& random) {
  using Limits = std::numeric_limits<float>;
  switch (random.below(4)) {
    case 0: return random.pick({0u, 0x80000000u, 1u, 0x7f800001u, 0x7fc00001u, 0xffffffffu});
    case 1:
      return std::bit_cast<std::uint32_t>(
          random.pick({1.0f, -1.5f, Limits::infinity(), -Limits::infinity(), Limits::max()}));
    default: return static_cast<std::uint32_t>(random.bits());
  }
}
std::uint64_t random_f64(Random& random) {
  using Limits = std::numeric_limits<double>;
  switch (random.below(4)) {
    case 0:
      return random.pick<std::uint64_t>(
          {0, 1ull << 63, 1, 0x7ff0000000000001, 0x7ff8000000000001, ~0ull});
    case 1:
      return std::bit_cast<std::uint64_t>(
          random.pick({1.0, -1.5, Limits::infinity(), -Limits::infinity(), Limits::max()}));
    default: return random.bits();
  }
}

std::uint32_t random_char(Random& random, unsigned kind) {
  std::uint32_t c;
  switch (kind) {
    case 0: return random.below(0x80);
    case 1: return random.below(0x100);
    case 2:
      return random.pick({0u, 0x7fu, 0x80u, 0xffu, 0x100u, 0x7ffu, 0x800u, 0xd7ffu, 0xe000u,
                          0xfffdu, 0xffffu, 0x10000u, 0x10ffffu});
    default:
      do c = random.below(kind == 3 ? 0x10000 : 0x110000);
      while (c >= 0xd800 && c < 0xe000);
      return c;
  }
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xe0 | c >> 12);
    } else {
      put(0xf0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3f));
    }
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

std::string random_text(Random& random) {
  const std::uint32_t length = random.one_in(20) ? random.below(400) : random.below(12);
  // All of one kind, or one kind until late: that is where transcoders change their mind.
  const unsigned kind = random.below(5);
  const std::uint32_t change = random.one_in(2) ? random.below(length + 1) : length;
  std::string out;
  for (std::uint32_t i = 0; i < length; ++i)
    append_utf8(out, random_char(random, i < change ? kind : random.below(5)));
  return out;
}

}  // namespace

Shape random_shape(Random& random, Lent lent, int depth, int& budget) {
  --budget;
  if (random.one_in(12)) return {.kind = lent == Lent::Yes && random.one_in(2) ? Borrow : Own};
  if (depth <= 0 || budget <= 0 || random.one_in(3)) return scalar(random);
  const auto part = [&] { return random_shape(random, lent, depth - 1, budget); };
  const auto parts = [&](std::uint32_t most) {
    std::vector<Shape> out;
    for (std::uint32_t i = 1 + random.below(most); i > 0; --i) out.push_back(part());
    return out;
  };
  switch (random.below(14)) {
    case 0:
    case 1: return {.kind = List, .parts = {part()}};
    case 2: {
      const std::uint32_t length = 1 + random.below(random.one_in(4) ? 20 : 4);
      int within = budget / static_cast<int>(length);
      Shape element = random_shape(random, lent, depth - 1, within);
      budget -= (budget / static_cast<int>(length) - within) * static_cast<int>(length);
      return {.kind = List, .count = length, .parts = {std::move(element)}};
    }
    case 3: {
      Shape key = map_key(random);
      return {.kind = Map, .parts = {std::move(key), part()}};
    }
    case 4:
    case 5: return {.kind = Record, .parts = parts(5)};
    case 6: return {.kind = Tuple, .parts = parts(5)};
    case 7:
    case 8: {
      Shape variant{.kind = Variant};
      for (std::uint32_t i = 1 + random.below(5); i > 0; --i)
        variant.parts.push_back(payload(random, lent, depth - 1, budget));
      if (random.one_in(12)) variant.parts.resize(random.pick({255u, 256u, 257u}), {.none = true});
      return variant;
    }
    case 9: return {.kind = Enum, .count = label_count(random, 300)};
    case 10: return {.kind = Flags, .count = label_count(random, 32)};
    case 11: return {.kind = Option, .parts = {part()}};
    case 12: {
      Shape ok = payload(random, lent, depth - 1, budget);
      Shape error = payload(random, lent, depth - 1, budget);
      return {.kind = TypeKind::Result, .parts = {std::move(ok), std::move(error)}};
    }
    default: return {.kind = lent == Lent::Yes && random.one_in(2) ? Borrow : Own};
  }
}

Datum random_datum(Random& random, const Shape& shape) {
  const auto one = [&](const Shape& part) {
    return part.none ? std::vector<Datum>{} : std::vector<Datum>{random_datum(random, part)};
  };
  const auto many = [&](std::uint32_t count, auto shape_at) {
    std::vector<Datum> out;
    for (std::uint32_t i = 0; i < count; ++i) out.push_back(random_datum(random, shape_at(i)));
    return out;
  };
  switch (shape.kind) {
    case Bool: return {.number = random.below(2)};
    case F32: return {.number = random_f32(random)};
    case F64: return {.number = random_f64(random)};
    case Char: return {.number = random_char(random, random.below(5))};
    case String: return {.text = random_text(random)};
    case Flags: return {.number = random.bits() & ((std::uint64_t{1} << shape.count) - 1)};
    case Enum: return {.number = random.below(shape.count)};
    case Option: {
      const std::uint32_t some = random.below(3) != 0;
      return {.number = some, .items = some ? one(shape.parts[0]) : std::vector<Datum>{}};
    }
    case Variant:
    case TypeKind::Result: {
      const std::uint32_t chosen = random.below(shape.parts.size());
      return {.number = chosen, .items = one(shape.parts[chosen])};
    }
    case List: {
      const Shape& element = shape.parts[0];
      const bool small = element.kind <= Char && !random.one_in(4);
      const std::uint32_t count = shape.count ? shape.count : random.below(small ? 40 : 5);
      return {.items = many(count, [&](std::uint32_t) -> const Shape& { return element; })};
    }
    case Map:
      return {.items = many(2 * random.below(4),
                            [&](std::uint32_t i) -> const Shape& { return shape.parts[i % 2]; })};
    case Record:
    case Tuple:
      return {.items = many(static_cast<std::uint32_t>(shape.parts.size()),
                            [&](std::uint32_t i) -> const Shape& { return shape.parts[i]; })};
    case Own:
    case Borrow: return {};
    default: return {.number = random_integer(random, shape.kind)};
  }
}

Datum zero_datum(const Shape& shape) {
  Datum datum;
  if (shape.kind == List) {
    datum.items.resize(shape.count, zero_datum(shape.parts[0]));
  } else if (shape.kind == Record || shape.kind == Tuple) {
    for (const Shape& part : shape.parts) datum.items.push_back(zero_datum(part));
  } else if ((shape.kind == Variant || shape.kind == TypeKind::Result) && !shape.parts[0].none) {
    datum.items.push_back(zero_datum(shape.parts[0]));
  }
  return datum;
}

void put_u32(Bytes& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put_u64(Bytes& out, std::uint64_t value) {
  put_u32(out, static_cast<std::uint32_t>(value));
  put_u32(out, static_cast<std::uint32_t>(value >> 32));
}
void put_counted(Bytes& out, std::string_view bytes) {
  put_u32(out, static_cast<std::uint32_t>(bytes.size()));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

namespace {

// The part that an item of a datum belongs to.
const Shape& part_of(const Shape& shape, const Datum& datum, std::size_t item) {
  switch (shape.kind) {
    case List:
    case Option: return shape.parts[0];
    case Map: return shape.parts[item % 2];
    case Variant:
    case TypeKind::Result: return shape.parts[datum.number];
    default: return shape.parts[item];
  }
}

}  // namespace

void encode(const Shape& shape, const Datum& datum, std::uint32_t& handles, Bytes& out) {
  const auto number = static_cast<std::uint32_t>(datum.number);
  switch (shape.kind) {
    case Bool: out.push_back(static_cast<std::uint8_t>(number)); return;
    case F32:
    case Char:
    case Enum:
    case Flags: put_u32(out, number); return;
    case F64: put_u64(out, datum.number); return;
    case String: put_counted(out, datum.text); return;
    case Own:
    case Borrow: put_u32(out, handles++); return;
    case Option:
    case Variant:
    case TypeKind::Result: put_u32(out, number); break;
    case List:
      if (shape.count == 0) put_u32(out, static_cast<std::uint32_t>(datum.items.size()));
      break;
    case Map: put_u32(out, static_cast<std::uint32_t>(datum.items.size() / 2)); break;
    case Record:
    case Tuple: break;
    default: put_u64(out, datum.number); return;
  }
  for (std::size_t i = 0; i < datum.items.size(); ++i)
    encode(part_of(shape, datum, i), datum.items[i], handles, out);
}

void note_handles(const Shape& shape, const Datum& datum, std::vector<bool>& lent) {
  if (shape.kind == Own || shape.kind == Borrow) lent.push_back(shape.kind == Borrow);
  for (std::size_t i = 0; i < datum.items.size(); ++i)
    note_handles(part_of(shape, datum, i), datum.items[i], lent);
}

}  // namespace unbolt::oracle
