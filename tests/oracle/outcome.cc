#include "outcome.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace unbolt::oracle {

TrapClass classify(std::string_view message) {
  using enum TrapClass;
  // The first that is found.
  static constexpr std::pair<std::string_view, TrapClass> kParts[] = {
      {"unreachable", Unreachable},
      {"out of bounds memory access", GuestMemory},
      {"too large to be passed", TooLarge},
      {"too long", TooLarge},
      {"allocated too many bytes", TooLarge},
      {"fuel", TooLarge},
      {"cannot leave component", MayNotLeave},
      {"borrow handles still remain", BorrowsRemain},
      {"unknown handle index", UnknownHandle},
      {"another resource type", HandleType},
      {"with the wrong type", HandleType},
      {"while it is lent", Lent},
      {"while borrowed", Lent},
      {"not a borrow", NotOwn},
      {"from a borrow", NotOwn},
      {"char", Char},
      {"discriminant", Discriminant},
      {"aligned", Unaligned},
      {"UTF-8", String},
      {"utf-8", String},
      {"utf8", String},
      {"UTF-16", String},
      {"utf16", String},
      {"surrogate", String},
      {"out of bounds", OutOfBounds},
      {"out-of-bounds", OutOfBounds},
      {"beyond end of memory", OutOfBounds},
  };
  for (const auto& [part, trap] : kParts) {
    if (message.find(part) != std::string_view::npos) return trap;
  }
  return Other;
}

std::string_view name_of(TrapClass trap) {
  static constexpr std::string_view kNames[] = {"unreachable",
                                                "out of bounds in the guest",
                                                "pointer out of bounds",
                                                "unaligned pointer",
                                                "malformed string",
                                                "no char",
                                                "no such case",
                                                "unknown handle",
                                                "handle of another type",
                                                "not an own handle",
                                                "lent handle",
                                                "borrows remain",
                                                "may not leave",
                                                "too large",
                                                "another"};
  return kNames[static_cast<std::size_t>(trap)];
}

namespace {

// Both stop the guest for good reasons of which there are two at once: README.md, "What may
// differ".
bool same_reason(TrapClass ours, TrapClass theirs) {
  using enum TrapClass;
  if (ours == theirs) return ours != Other;
  static constexpr std::pair<TrapClass, TrapClass> kEither[] = {
      {Unaligned, OutOfBounds},
      {OutOfBounds, GuestMemory},
  };
  for (const auto& pair : kEither) {
    if (pair == std::pair(ours, theirs)) return true;
  }
  return false;
}

// The engine lets a guest leave in the post-return of a call from another guest.
bool leaves_in_post_return(const RawCase& one) {
  return std::any_of(one.steps.begin(), one.steps.end(), [&](const Step& step) {
    return step.op % kAfter == static_cast<std::uint32_t>(Op::PostReturn) && step.a == 2 &&
           step.guest + 1 < one.guests;
  });
}

}  // namespace

std::string difference(const RawCase& one, const Outcome& ours, const Outcome& theirs) {
  const auto told = [](const Outcome& outcome) {
    return outcome.trap ? "trap: " + *outcome.trap : std::string("no trap");
  };
  const auto hex = [](const Bytes& bytes) { return fmt::format("{:02x}", fmt::join(bytes, "")); };
  if (ours.trap && classify(*ours.trap) == TrapClass::MayNotLeave && leaves_in_post_return(one))
    return "";
  if (ours.trap && theirs.trap) {
    const TrapClass a = classify(*ours.trap), b = classify(*theirs.trap);
    // Where a bound of the host's own stopped one of them, the other may go on to something else.
    if (a == TrapClass::TooLarge || b == TrapClass::TooLarge) return "";
    if (!same_reason(a, b)) return fmt::format("ours: {}\n  theirs: {}", told(ours), told(theirs));
  } else if (ours.trap || theirs.trap) {
    if (classify(ours.trap ? *ours.trap : *theirs.trap) == TrapClass::TooLarge) return "";
    return fmt::format("ours: {}\n  theirs: {}", told(ours), told(theirs));
  }
  if (ours.calls.size() != theirs.calls.size()) {
    return fmt::format("ours called the host {} times, theirs {}", ours.calls.size(),
                       theirs.calls.size());
  }
  for (std::size_t i = 0; i < ours.calls.size(); ++i) {
    if (ours.calls[i] != theirs.calls[i]) {
      return fmt::format("call {} of the host had other arguments:\n  ours:   {}\n  theirs: {}", i,
                         hex(ours.calls[i]), hex(theirs.calls[i]));
    }
  }
  if (ours.trap) return "";
  if (ours.result != theirs.result) {
    return fmt::format("another result:\n  ours:   {}\n  theirs: {}", hex(ours.result),
                       hex(theirs.result));
  }
  if (ours.live != theirs.live)
    return fmt::format("ours leaves {} live handles, theirs {}", ours.live, theirs.live);
  return "";
}

}  // namespace unbolt::oracle
