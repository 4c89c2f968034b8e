// Interface types and values of them as the generator makes and shrinks them; nothing of the layer
// under test is in here but the names of kinds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "random.h"
#include "unbolt/base/bytes.h"
#include "unbolt/component/types.h"

namespace unbolt::oracle {

using component::TypeKind;

struct Shape {
  TypeKind kind = TypeKind::Bool;
  bool none = false;         // the payload of a case that has none
  std::uint32_t count = 0;   // a list's fixed length (0: any), labels of flags and enums
  std::vector<Shape> parts;  // of a map: key and value
  bool operator==(const Shape&) const = default;
};

// What belongs to a shape: an integer or the bits of a float; a string; a case; elements, fields,
// payloads (at most one), and of a map keys and values by turns.
struct Datum {
  std::uint64_t number = 0;
  std::string text;
  std::vector<Datum> items;
};

// `budget` bounds how much a value of it may hold; handles that are lent are for parameters only.
enum class Lent : std::uint8_t { No, Yes };
Shape random_shape(Random& random, Lent lent, int depth, int& budget);
Datum random_datum(Random& random, const Shape& shape);
// The simplest.
Datum zero_datum(const Shape& shape);

// In the form that both sides read (README.md). Handles get the next numbers from `handles` on.
void encode(const Shape& shape, const Datum& datum, std::uint32_t& handles, Bytes& out);
// Which of the handles that lie in it, in the order in which they are lowered, are lent.
void note_handles(const Shape& shape, const Datum& datum, std::vector<bool>& lent);

void put_u32(Bytes& out, std::uint32_t value);
void put_u64(Bytes& out, std::uint64_t value);
void put_counted(Bytes& out, std::string_view bytes);

}  // namespace unbolt::oracle
