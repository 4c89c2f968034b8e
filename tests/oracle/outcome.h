// What is given to both sides, what comes back, and what may differ.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "component_text.h"
#include "unbolt/base/bytes.h"

namespace unbolt::oracle {

// One call of a component's `run`, in an instance of its own.
struct RawCase {
  std::uint32_t guests = 1;
  std::vector<Step> steps;
  Bytes arguments;
  Bytes result;  // what the host function answers
};

struct Outcome {
  std::optional<std::string> trap;  // its message
  Bytes result;                     // without a trap
  std::vector<Bytes> calls;         // the host function's arguments, each time it was called
  std::int64_t live = 0;            // resources that guests own at the end
};

// Why a guest was stopped, as far as both sides tell the same reasons apart.
enum class TrapClass : std::uint8_t {
  Unreachable,
  GuestMemory,  // the guest's own load or store
  OutOfBounds,  // a pointer that was passed
  Unaligned,
  String,  // not well-formed
  Char,
  Discriminant,
  UnknownHandle,
  HandleType,
  NotOwn,
  Lent,
  BorrowsRemain,
  MayNotLeave,
  TooLarge,  // for the host's own bounds
  Other,
};
TrapClass classify(std::string_view message);
std::string_view name_of(TrapClass trap);

// Empty where they agree, or differ as they may (README.md, "What may differ").
std::string difference(const RawCase& one, const Outcome& ours, const Outcome& theirs);

}  // namespace unbolt::oracle
