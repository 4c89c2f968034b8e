// A value's way from one component to another: lifted by the one's canonical options and lowered by
// the other's in one pass over its type, without a value of the host's in between.
#pragma once

#include "unbolt/component/abi.h"
#include "unbolt/component/lift_lower.h"
#include "unbolt/component/types.h"

namespace unbolt::component {

// Functions that return false have set the trap of one of the two contexts.
class Transfer {
 public:
  Transfer(LiftLowerContext& from, LiftLowerContext& to, std::uint32_t to_instance)
      : from_(from), to_(to), to_instance_(to_instance) {}

  // Between checked offsets of the two memories.
  bool memory(const Type& type, std::uint32_t from, std::uint32_t to);
  // Between flat values.
  bool flat(const Type& type, FlatReader& from, FlatWriter& to);
  // A tuple of parameters that lies in memory on both sides; allocates it on the other.
  bool params_in_memory(const FuncType& type, std::uint32_t from, std::uint32_t& to);

 private:
  bool string(std::uint32_t pointer, std::uint32_t length, std::uint32_t& to_pointer,
              std::uint32_t& to_length);
  bool list(const Type& element, std::uint32_t pointer, std::uint32_t length,
            std::uint32_t& to_pointer);
  bool handle(const Type& type, std::uint32_t from, std::uint32_t& to);
  bool flat_variant(const Type& type, FlatReader& from, FlatWriter& to);
  ResourceId id_of(const Type& type) const {
    return from_.instance().component().resource_ids()[type.resource->index];
  }

  LiftLowerContext& from_;
  LiftLowerContext& to_;
  std::uint32_t to_instance_;
};

}  // namespace unbolt::component
