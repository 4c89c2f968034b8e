#include "unbolt/component/lift_lower.h"

#include <algorithm>
#include <span>

#include "unbolt/component/strings.h"

namespace unbolt::component {
namespace {

// CanonicalABI.md: the bit of a latin1+utf16 string's length that says which of the two it is.
constexpr std::uint32_t kUtf16Tag = 1u << 31;
constexpr std::uint32_t kMaxStringBytes = (1u << 31) - 1;

}  // namespace

void LiftLowerContext::load_memory() {
  if (!options_.memory || !instance_.filled(*options_.memory)) return;
  engine::Store& store = instance_.store();
  const engine::Memory& memory = instance_.memory(*options_.memory);
  base_ = store.memory_data(memory);
  size_ = store.memory_size(memory);
}

bool LiftLowerContext::reallocate(std::uint32_t old_pointer, std::uint32_t old_size,
                                  std::uint32_t alignment, std::uint32_t size,
                                  std::uint32_t& pointer) {
  if (!options_.realloc || !instance_.filled(*options_.realloc))
    return fail("a function that needs memory has no realloc");
  engine::Raw values[4];
  values[0].i32 = static_cast<std::int32_t>(old_pointer);
  values[1].i32 = static_cast<std::int32_t>(old_size);
  values[2].i32 = static_cast<std::int32_t>(alignment);
  values[3].i32 = static_cast<std::int32_t>(size);
  const bool may_leave = std::exchange(state_.may_leave, false);
  engine::Trap* trap = instance_.store().call(instance_.func(*options_.realloc), values, 4);
  state_.may_leave = may_leave;
  if (trap) {
    if (trap_) wasm_trap_delete(trap_);
    trap_ = trap;
    return false;
  }
  load_memory();
  pointer = static_cast<std::uint32_t>(values[0].i32);
  if (!aligned(pointer, alignment)) return false;
  if (std::uint64_t{pointer} + size > size_)
    return fail("realloc returned a pointer out of bounds of memory");
  return true;
}

bool LiftLowerContext::lift_string(std::uint32_t pointer, std::uint32_t length,
                                   std::string_view& out) {
  const auto from_utf16 = [&](std::uint32_t units) {
    if (!check_list(pointer, units, 2, 2) || !charge(std::uint64_t{units} * 3)) return false;
    auto text = utf16_to_utf8({reinterpret_cast<const char16_t*>(at(pointer)), units});
    if (!text) return fail("a string is not valid UTF-16");
    out = strings_.emplace_front(std::move(*text));
    return true;
  };
  switch (options_.encoding) {
    case ast::StringEncoding::Utf8: {
      if (!in_bounds(pointer, length) || !charge_scan(length)) return false;
      const ByteView bytes(at(pointer), length);
      if (!valid_utf8(bytes)) return fail("a string is not valid UTF-8");
      out = as_text(bytes);
      return true;
    }
    case ast::StringEncoding::Utf16: return from_utf16(length);
    case ast::StringEncoding::Latin1Utf16:
      if (length & kUtf16Tag) return from_utf16(length & ~kUtf16Tag);
      if (!check_list(pointer, length, 1, 2) || !charge(std::uint64_t{length} * 2)) return false;
      out = strings_.emplace_front(latin1_to_utf8({at(pointer), length}));
      return true;
  }
  return fail("unknown string encoding");
}

bool LiftLowerContext::lower_string(std::string_view text, std::uint32_t& pointer,
                                    std::uint32_t& length) {
  if (valid_utf8(as_bytes(text))) [[likely]]
    return lower_valid(text, pointer, length);
  return lower_valid(to_valid_utf8(text), pointer, length);
}

bool LiftLowerContext::lower_valid(std::string_view text, std::uint32_t& pointer,
                                   std::uint32_t& length) {
  if (text.size() > kMaxStringBytes / 2) return fail("a string is too long for the guest");
  const auto size = static_cast<std::uint32_t>(text.size());
  const auto as_utf16 = [&](std::uint32_t& units) {
    if (!allocate(2 * size, 2, pointer)) return false;
    units =
        static_cast<std::uint32_t>(utf8_to_utf16(text, reinterpret_cast<char16_t*>(at(pointer))));
    return units == size || reallocate(pointer, 2 * size, 2, 2 * units, pointer);
  };
  switch (options_.encoding) {
    case ast::StringEncoding::Utf8:
      if (!allocate(size, 1, pointer)) return false;
      if (size) std::memcpy(at(pointer), text.data(), size);
      length = size;
      return true;
    case ast::StringEncoding::Utf16: return as_utf16(length);
    case ast::StringEncoding::Latin1Utf16:
      if (!fits_latin1(text)) {
        if (!as_utf16(length)) return false;
        length |= kUtf16Tag;
        return true;
      }
      if (!allocate(size, 2, pointer)) return false;
      length = static_cast<std::uint32_t>(utf8_to_latin1(text, at(pointer)));
      return length == size || reallocate(pointer, size, 2, length, pointer);
  }
  return fail("unknown string encoding");
}

bool LiftLowerContext::lift_own(std::uint32_t handle, ResourceId type, std::uint64_t& rep) {
  const HandleEntry* entry = state_.handles.find(handle);
  if (!entry) return fail("unknown handle index");
  if (entry->type != type) return fail("a handle is of another resource type");
  if (!entry->own) return fail("an own handle was expected, not a borrow");
  if (entry->lends != 0) return fail("a handle cannot be given away while it is lent");
  rep = entry->rep;
  state_.handles.remove(handle);
  return true;
}

bool LiftLowerContext::lift_borrow(std::uint32_t handle, ResourceId type, std::uint64_t& rep) {
  HandleEntry* entry = state_.handles.find(handle);
  if (!entry) return fail("unknown handle index");
  if (entry->type != type) return fail("a handle is of another resource type");
  if (entry->own) {
    ++entry->lends;
    lent_.push_back(handle);
  }
  rep = entry->rep;
  return true;
}

bool LiftLowerContext::lower_own(const HandleEntry& entry, std::uint32_t& handle) {
  handle = state_.handles.add(entry);
  if (handle != 0) return true;
  if (entry.host)
    static_cast<const ResourceTag*>(entry.type)->destroy(reinterpret_cast<void*>(entry.rep));
  return fail("too many handles");
}

bool LiftLowerContext::lower_borrow(const HandleEntry& entry, std::uint32_t& handle) {
  handle = state_.handles.add(entry);
  if (handle == 0) return fail("too many handles");
  ++state_.borrowed;
  return true;
}

void LiftLowerContext::end_lends() {
  for (const std::uint32_t handle : lent_) {
    if (HandleEntry* entry = state_.handles.find(handle); entry && entry->lends > 0) --entry->lends;
  }
}

}  // namespace unbolt::component
