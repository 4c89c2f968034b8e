// The component that a signature is tried with: a chain of guests, each of which passes what it is
// called with on to the next, the last one to the host, and what comes back the other way.
//
// A guest knows nothing of the types: parameters and results are flattened alike on both sides of
// it. What it does besides is not in its code either but in its *plan*: steps that the host leaves
// with it (export `planN`) before the call, so that one component serves many cases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shape.h"

namespace unbolt::oracle {

enum class Encoding : std::uint8_t { Utf8, Utf16, Latin1Utf16 };

struct Signature {
  std::vector<Shape> params;
  std::optional<Shape> result;
  std::vector<Encoding> guests;  // the first is next to the host, the last one's export is called
};

// What a guest does before or (kAfter) after it passes its call on.
enum class Op : std::uint32_t {
  Xor = 1,        // the word at address a, with c
  XorInside,      // the word at (the word at a) + b, with c
  XorByteInside,  // the byte there
  XorDeep,        // the word at (the word at (the word at a) + b % 65536) + b / 65536, with c
  Drop,           // the handle a
  DropOwn,        // the handle a, as one of the guest's own resource
  New,            // a resource of the guest's own, for a
  Rep,            // what stands behind the handle a
  Skip,           // does not pass the call on
  Again,          // passes it on a times
  Grow,           // the memory, by a pages
  Realloc,        // the a-th realloc from here does b (ReallocTrick) with c
  PostReturn,     // does a (1: trap, 2: drop the handle b)
  Trap,
  // A guest's own resource is what the guest above it may use: made, given, lent, dropped.
  Make,        // a resource of the guest below, for a
  Give,        // the handle a, to the guest below
  Lend,        // the handle a, to the guest below
  DropBelow,   // the handle a, as a resource of the guest below
  Destructor,  // of the guest's own resource: does a (1: trap, 2: drop the handle b)
  Keep,        // what is given to the guest from above is not dropped, if a is not 0
  Copy,        // the word at a, to b
  Both,        // the handle a is lent and the handle b given to the guest below, in one call
};
constexpr std::uint32_t kAfter = 0x100;
enum class ReallocTrick : std::uint32_t { Trap = 1, Answer, Drop, Shift, Grow };

struct Step {
  std::uint32_t guest;
  std::uint32_t op;
  std::uint32_t a = 0, b = 0, c = 0;
};

// Where a guest keeps, while it has a call, what its steps may change.
constexpr std::uint32_t kFlatParams = 64;  // 8 bytes each
constexpr std::uint32_t kFlatResult = 208;
constexpr std::uint32_t kResultPointer = 216;

constexpr std::size_t kMaxSteps = 480;

// The flat parameters of a function as letters (i, I, f, F for i32, i64, f32, f64), and its flat
// result's, 0 where it has none or returns it by pointer.
struct CoreSignature {
  std::string params;
  char result = 0;
  bool result_in_memory = false;
};
CoreSignature core_signature(const Signature& signature);
std::string component_text(const Signature& signature);

}  // namespace unbolt::oracle
