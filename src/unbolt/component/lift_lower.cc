#include "unbolt/component/lift_lower.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace unbolt::component {
namespace {

// CanonicalABI.md: the bit of a latin1+utf16 string's length that says which of the two it is.
constexpr std::uint64_t utf16_tag(Width width) {
  return width == Width::W32 ? 1u << 31 : std::uint64_t{1} << 63;
}

}  // namespace

void LiftLowerContext::look_at_memory() {
  if (!options_.memory || !instance_.filled(*options_.memory)) return;
  engine::Store& store = instance_.store();
  const engine::Memory& memory = instance_.memory(*options_.memory);
  base_ = store.memory_data(memory);
  size_ = store.memory_size(memory);
  if (engine::Engine::kMemories32Stay && width() == Width::W32)
    state_.memory = {*options_.memory, base_, size_};
}

bool LiftLowerContext::reallocate(std::uint64_t old_pointer, std::uint32_t old_size,
                                  std::uint32_t alignment, std::uint32_t size,
                                  std::uint64_t& pointer, Content content) {
  if (!options_.realloc || !instance_.filled(*options_.realloc))
    return fail("a function that needs memory has no realloc");
  engine::Raw values[4];
  const std::uint64_t arguments[] = {old_pointer, old_size, alignment, size};
  for (int i = 0; i < 4; ++i) values[i].i64 = static_cast<std::int64_t>(arguments[i]);
  const bool may_leave = std::exchange(state_.may_leave, false);
  engine::Trap* trap = instance_.store().call(instance_.func(*options_.realloc), values, 4);
  state_.may_leave = may_leave;
  if (trap) {
    adopt(trap);
    return false;
  }
  guest_ran();
  pointer = width() == Width::W32 ? static_cast<std::uint32_t>(values[0].i32)
                                  : static_cast<std::uint64_t>(values[0].i64);
  if ((pointer & (alignment - 1)) != 0)
    return fail(peer_ == Peer::Host ? "realloc return: result not aligned" : "unaligned pointer");
  if (within(pointer, size)) return true;
  return peer_ == Peer::Host || content == Content::Values
             ? fail("realloc return: beyond end of memory")
             : fail_bounds(content);
}

bool LiftLowerContext::fail_bounds(Content content) {
  const std::string_view what = content == Content::String ? "string" : "list";
  return fail(peer_ == Peer::Host ? fmt::format("{} pointer/length out of bounds of memory", what)
                                  : fmt::format("{} content out-of-bounds", what));
}

bool LiftLowerContext::fail_text(const Text& text) {
  if (text.encoding != Text::Encoding::Utf8) return fail("invalid utf-16: unpaired surrogate");
  return fail(incomplete_utf8({text.data, text.units}) ? "incomplete utf-8 byte sequence"
                                                       : "invalid utf-8 sequence");
}

bool LiftLowerContext::locate_text(std::uint64_t pointer, std::uint64_t length, Text& out) {
  using enum Text::Encoding;
  std::uint64_t units = length;
  Text::Encoding encoding = Utf8;
  const bool tagged = options_.encoding == ast::StringEncoding::Latin1Utf16;
  if (options_.encoding == ast::StringEncoding::Utf16) encoding = Utf16;
  if (tagged) {
    encoding = length & utf16_tag(width()) ? Utf16 : Latin1;
    units = length & ~utf16_tag(width());
  }
  if (encoding != Utf8 && (pointer & 1) != 0)
    return fail(peer_ == Peer::Host ? "string pointer not aligned to 2" : "unaligned pointer");
  if (units > kMaxStringBytes) return fail_bounds(Content::String);
  const std::uint64_t bytes = encoding == Utf16 ? units * 2 : units;
  if (bytes > kMaxStringBytes || !within(pointer, bytes)) return fail_bounds(Content::String);
  out = {encoding, at(pointer), units, tagged};
  return true;
}

bool LiftLowerContext::lift_string(std::uint64_t pointer, std::uint64_t length,
                                   std::string_view& out) {
  Text text;
  if (!locate_text(pointer, length, text) || !charge_scan(text.units)) return false;
  if (text.encoding == Text::Encoding::Utf8) {
    const ByteView bytes(text.data, text.units);
    if (!valid_utf8(bytes)) return fail_text(text);
    out = as_text(bytes);
    return true;
  }
  const auto sizes = measure(text);
  if (!sizes) return fail_text(text);
  if (!charge(sizes->utf8_bytes)) return false;
  std::string& owned = strings_.emplace_front(sizes->utf8_bytes, '\0');
  write_utf8(text, reinterpret_cast<std::uint8_t*>(owned.data()));
  out = owned;
  return true;
}

bool LiftLowerContext::lower_string(std::string_view text, std::uint64_t& pointer,
                                    std::uint64_t& length) {
  const auto lower = [&](std::string_view valid) {
    if (options_.encoding == ast::StringEncoding::Utf8) [[likely]]
      return store_utf8(as_bytes(valid), pointer, length);
    const Text whole{Text::Encoding::Utf8, reinterpret_cast<const std::uint8_t*>(valid.data()),
                     valid.size()};
    return lower_text(whole, pointer, length);
  };
  if (valid_utf8(as_bytes(text))) [[likely]]
    return lower(text);
  return lower(to_valid_utf8(text));
}

// What `store_text` does where nothing has to be transcoded.
bool LiftLowerContext::store_utf8(ByteView valid, std::uint64_t& pointer, std::uint64_t& length) {
  length = valid.size();
  if (length > 4 * kMaxStringBytes) return fail_bounds(Content::String);
  if (!allocate(static_cast<std::uint32_t>(length), 1, pointer, Content::String)) return false;
  if (length) std::memcpy(at(pointer), valid.data(), valid.size());
  return true;
}

bool LiftLowerContext::lower_text(const Text& text, std::uint64_t& pointer, std::uint64_t& length) {
  if (text.encoding == Text::Encoding::Utf8 && options_.encoding == ast::StringEncoding::Utf8) {
    const ByteView bytes(text.data, text.units);
    return valid_utf8(bytes) ? store_utf8(bytes, pointer, length) : fail_text(text);
  }
  const auto sizes = measure(text);
  return sizes ? store_text(text, *sizes, pointer, length) : fail_text(text);
}

// In the steps of CanonicalABI.md, `store_string_into_range`, since the guest's realloc sees them.
// What has to be enlarged on the way is written once, in its last place.
bool LiftLowerContext::store_text(const Text& text, const TextSizes& sizes, std::uint64_t& pointer,
                                  std::uint64_t& length) {
  using enum Text::Encoding;
  // `first` bytes, then as many as `worst` where it has to be enlarged, then those that are needed;
  // steps that change nothing are left out.
  const auto store = [&](std::uint64_t first, std::uint64_t worst, std::uint64_t bytes,
                         bool enlarge, std::uint32_t alignment, auto write) {
    if (std::max(first, worst) > 4 * kMaxStringBytes) return fail_bounds(Content::String);
    std::uint64_t size = first;
    if (!allocate(static_cast<std::uint32_t>(size), alignment, pointer, Content::String))
      return false;
    const auto resize = [&](std::uint64_t to) {
      const auto from = static_cast<std::uint32_t>(std::exchange(size, to));
      return from == to || reallocate(pointer, from, alignment, static_cast<std::uint32_t>(to),
                                      pointer, Content::String);
    };
    if (enlarge && !resize(worst)) return false;
    if (bytes) write(text, at(pointer));
    return resize(bytes);
  };
  const std::uint64_t units = text.units;
  switch (options_.encoding) {
    case ast::StringEncoding::Utf8:
      length = sizes.utf8_bytes;
      return store(units, units * (text.encoding == Utf16 ? 3 : 2), sizes.utf8_bytes,
                   sizes.utf8_bytes > units, 1, write_utf8);
    case ast::StringEncoding::Utf16:
      length = sizes.utf16_units;
      return store(2 * units, 2 * units, 2 * sizes.utf16_units, false, 2, write_utf16);
    case ast::StringEncoding::Latin1Utf16: {
      // As many units as scalar values where all of them are Latin-1. What was UTF-16 by choice is
      // expected to stay it.
      const bool wide = text.tagged && text.encoding == Utf16;
      length = sizes.utf16_units | (sizes.latin1 ? 0 : utf16_tag(width()));
      const std::uint64_t first = wide ? 2 * units : units;
      return sizes.latin1 ? store(first, first, sizes.utf16_units, false, 2, write_latin1)
                          : store(first, 2 * units, 2 * sizes.utf16_units, !wide, 2, write_utf16);
    }
  }
  return fail("unknown string encoding");
}

HandleEntry* LiftLowerContext::find_handle(std::uint32_t handle, ResourceId type) {
  HandleEntry* entry = state_.handles.find(handle);
  if (!entry) {
    fail(unknown_handle(handle));
    return nullptr;
  }
  if (entry->type != type) {
    fail(wrong_handle(handle, *entry, instance_.component().is_host_resource(type)));
    return nullptr;
  }
  return entry;
}

bool LiftLowerContext::lift_own(std::uint32_t handle, ResourceId type, std::uint64_t& rep) {
  const HandleEntry* entry = find_handle(handle, type);
  if (!entry) return false;
  if (!entry->own) return fail("cannot lift own resource from a borrow");
  if (entry->lends != 0) return fail("cannot remove owned resource while borrowed");
  rep = entry->rep;
  state_.handles.remove(handle);
  return true;
}

bool LiftLowerContext::lift_borrow(std::uint32_t handle, ResourceId type, std::uint64_t& rep) {
  HandleEntry* entry = find_handle(handle, type);
  if (!entry) return false;
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
