// A value's way from one component to another: lifted by the one's canonical options and lowered by
// the other's in one pass over its type, without a value of the host's in between.
#pragma once

#include "unbolt/component/abi.h"
#include "unbolt/component/lift_lower.h"
#include "unbolt/component/types.h"

namespace unbolt::component {

// Where values lie on one side: one after the other in flat values, or as a tuple in memory.
struct FlatValues {
  engine::Raw* raw;
};
struct InMemory {
  std::uint64_t at;  // not checked yet
};
using Side = std::variant<FlatValues, InMemory>;

// Lives for one call, on the fiber. Functions that return false have set the trap of one of the two
// contexts, which are `Peer::Guest`.
class Transfer {
 public:
  Transfer(LiftLowerContext& from, LiftLowerContext& to, std::uint32_t to_instance)
      : from_(from), to_(to), to_instance_(to_instance) {}

  // What lies in memory is checked to be there.
  bool params(const FuncType& type, Side from, Side to);
  bool result(const Type& type, Side from, Side to);

 private:
  template <class Pass>
  bool between(Side from, Side to, const Layout& from_layout, const Layout& to_layout, Pass pass);
  template <class From, class To>
  bool value(const Type& type, From& from, To& to);
  template <class From, class To>
  bool fields(const Type& type, From& from, To& to);
  template <class From, class To>
  bool variant(const Type& type, From& from, To& to);
  template <class From, class To>
  bool span(const Type& type, From& from, To& to);
  bool list(const Type& element, std::uint64_t pointer, std::uint64_t length,
            std::uint64_t& to_pointer);
  bool handle(const Type& type, std::uint32_t from, std::uint32_t& to);
  bool error_context(std::uint32_t from, std::uint32_t& to);

  LiftLowerContext& from_;
  LiftLowerContext& to_;
  std::uint32_t to_instance_;
};

}  // namespace unbolt::component
