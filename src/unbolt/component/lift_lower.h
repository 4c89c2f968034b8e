// One crossing of the canonical ABI (CanonicalABI.md, "Lifting and Lowering Context"): the guest's
// memory, its realloc and its handles, with every offset, length and index checked. All users of
// the ABI stand on it: by C++ type (abi.h), by value (value.h) and from component to component
// (transfer.h).
#pragma once

#include <cstdint>
#include <cstring>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/component/instance.h"
#include "unbolt/component/plan.h"
#include "unbolt/component/strings.h"

namespace unbolt::component {

// CanonicalABI.md, MAX_STRING_BYTE_LENGTH and MAX_LIST_BYTE_LENGTH.
inline constexpr std::uint64_t kMaxStringBytes = (1u << 28) - 1;
inline constexpr std::uint64_t kMaxListBytes = (1u << 28) - 1;

// Lives on the fiber for one call. Functions that return false have set `trap()`, which must be
// returned to the guest.
class LiftLowerContext {
 public:
  // What lifted values may take in the host's own memory, in one call: views cost nothing, lists of
  // lists do.
  static constexpr std::size_t kMaxLiftedBytes = 64u << 20;

  // Whom the values come from or go to: it is told apart in messages only.
  enum class Peer : std::uint8_t { Host, Guest };

  LiftLowerContext(Instance& instance, const Options& options, std::uint32_t component_instance,
                   Peer peer = Peer::Host)
      : instance_(instance),
        options_(options),
        state_(instance.state(component_instance)),
        peer_(peer) {}
  ~LiftLowerContext() { end_lends(); }
  LiftLowerContext(const LiftLowerContext&) = delete;
  LiftLowerContext& operator=(const LiftLowerContext&) = delete;

  Instance& instance() { return instance_; }
  const Options& options() const { return options_; }
  Width width() const { return options_.width; }
  Instance::State& state() { return state_; }
  engine::Trap* trap() { return std::exchange(trap_, nullptr); }
  // Takes another context's trap for its own.
  void adopt(engine::Trap* trap) {
    if (trap_) wasm_trap_delete(trap_);
    trap_ = trap;
  }
  bool fail(std::string_view reason) {
    if (!trap_) trap_ = instance_.store().fail(engine::Fault::Kind::Trap, reason);
    return false;
  }

  // ---- Memory. Offsets are the guest's; `in_bounds` first, then `at`. A call into the guest
  // (realloc) may move it.

  bool in_bounds(std::uint64_t offset, std::uint64_t size) {
    return within(offset, size) || fail("pointer out of bounds of memory");
  }
  bool aligned(std::uint64_t offset, std::uint32_t alignment) {
    return (offset & (alignment - 1)) == 0 ? true : fail("unaligned pointer");
  }
  std::uint8_t* at(std::uint64_t offset) { return base_ + offset; }
  template <class T>
  T load(std::uint64_t offset) {
    T value;
    std::memcpy(&value, base_ + offset, sizeof value);
    return value;
  }
  template <class T>
  void store(std::uint64_t offset, T value) {
    std::memcpy(base_ + offset, &value, sizeof value);
  }
  // An address or a length, as wide as the memory's addresses are.
  std::uint64_t load_pointer(std::uint64_t offset) {
    return width() == Width::W32 ? load<std::uint32_t>(offset) : load<std::uint64_t>(offset);
  }
  void store_pointer(std::uint64_t offset, std::uint64_t value) {
    if (width() == Width::W32) {
      store(offset, static_cast<std::uint32_t>(value));
    } else {
      store(offset, value);
    }
  }
  // `count` elements at `pointer`: aligned, inside memory, and no overflow.
  bool check_list(std::uint64_t pointer, std::uint64_t count, std::uint32_t element_size,
                  std::uint32_t alignment) {
    return aligned(pointer, alignment) &&
           ((count <= kMaxListBytes && count * element_size <= kMaxListBytes &&
             within(pointer, count * element_size)) ||
            fail_bounds(Content::List));
  }
  // What memory is asked for; it is told apart in messages only.
  enum class Content : std::uint8_t { Values, List, String };
  // Asks the guest for memory (cabi_realloc) and checks what it gave.
  bool allocate(std::uint32_t size, std::uint32_t alignment, std::uint64_t& pointer,
                Content content = Content::Values) {
    return reallocate(0, 0, alignment, size, pointer, content);
  }
  bool reallocate(std::uint64_t old_pointer, std::uint32_t old_size, std::uint32_t alignment,
                  std::uint32_t size, std::uint64_t& pointer, Content content = Content::Values);

  // Other guest code ran since: memory may have moved.
  void guest_ran() { base_ = nullptr; }

  // Charges host memory for what is being lifted.
  bool charge(std::uint64_t bytes) {
    lifted_bytes_ += bytes;
    return lifted_bytes_ <= kMaxLiftedBytes ? true
                                            : fail("a value is too large to be passed to the host");
  }

  // Bounds the bytes that are looked at: strings that do not overlap are never more than the
  // memory, and what a guest makes of overlapping ones must not keep the loop.
  bool charge_scan(std::uint64_t bytes) {
    scanned_bytes_ += bytes;
    if (scanned_bytes_ <= size_ + kMaxLiftedBytes) return true;
    look_at_memory();
    return scanned_bytes_ <= size_ + kMaxLiftedBytes
               ? true
               : fail("a value is too large to be passed to the host");
  }

  // ---- Strings. A view into the guest's memory where its encoding is UTF-8, else into this
  // context.
  bool lift_string(std::uint64_t pointer, std::uint64_t length, std::string_view& out);
  // What is not UTF-8 in `text` becomes U+FFFD: a guest may rely on its strings.
  bool lower_string(std::string_view text, std::uint64_t& pointer, std::uint64_t& length);
  // The same without a string of the host's: where the text lies in the guest's memory, not
  // validated; and text that lies anywhere, which is validated.
  bool locate_text(std::uint64_t pointer, std::uint64_t length, Text& out);
  bool lower_text(const Text& text, std::uint64_t& pointer, std::uint64_t& length);

  // ---- Handles.
  // The representation of what an own handle stands for; the handle is gone then.
  bool lift_own(std::uint32_t handle, ResourceId type, std::uint64_t& rep);
  // The handle stays; an own one is lent until this context ends.
  bool lift_borrow(std::uint32_t handle, ResourceId type, std::uint64_t& rep);
  bool lower_own(const HandleEntry& entry, std::uint32_t& handle);
  // The guest has to drop it before the call that it is lent for ends.
  bool lower_borrow(const HandleEntry& entry, std::uint32_t& handle);

 private:
  // As it was when last looked at, which costs no call into the engine. Memory never shrinks, so
  // what was within its bounds still is.
  void load_memory() {
    if (options_.memory && state_.memory.slot == *options_.memory) [[likely]] {
      base_ = state_.memory.base;
      size_ = state_.memory.size;
    } else {
      look_at_memory();
    }
  }
  void look_at_memory();
  bool in_known_bounds(std::uint64_t offset, std::uint64_t size) const {
    return offset <= size_ && size <= size_ - offset;
  }
  bool within(std::uint64_t offset, std::uint64_t size) {
    if (!base_) load_memory();
    if (in_known_bounds(offset, size)) [[likely]]
      return true;
    look_at_memory();  // it may have grown
    return in_known_bounds(offset, size);
  }
  bool fail_bounds(Content content);
  bool fail_text(const Text& text);
  // Of valid text.
  bool store_utf8(ByteView valid, std::uint64_t& pointer, std::uint64_t& length);
  bool store_text(const Text& text, const TextSizes& sizes, std::uint64_t& pointer,
                  std::uint64_t& length);
  HandleEntry* find_handle(std::uint32_t handle, ResourceId type);
  void end_lends();

  Instance& instance_;
  const Options& options_;
  Instance::State& state_;
  Peer peer_;
  std::uint8_t* base_ = nullptr;
  std::uint64_t size_ = 0;
  engine::Trap* trap_ = nullptr;
  std::uint64_t lifted_bytes_ = 0, scanned_bytes_ = 0;
  std::vector<std::uint32_t> lent_;
  std::forward_list<std::string> strings_;  // transcoded ones; no cost where there are none
};

}  // namespace unbolt::component
