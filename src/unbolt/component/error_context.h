// Error contexts (CanonicalABI.md, "canon error-context.new" and on): a message that passes from
// component to component by handle, immutable and shared.
#pragma once

#include <memory>
#include <string>

#include "unbolt/component/handle_table.h"

namespace unbolt::component {

using ErrorContext = std::shared_ptr<const std::string>;

// What tells their handles apart. The representation of one is an `ErrorContext` of its own.
inline constexpr const ResourceTag* kErrorContextTag = &kResourceTag<ErrorContext>;

// A handle for it; 0 where the table is full.
inline std::uint32_t add_error_context(HandleTable& handles, const ErrorContext& context) {
  auto own = std::make_unique<ErrorContext>(context);
  const std::uint32_t index = handles.add(
      {.type = kErrorContextTag, .rep = reinterpret_cast<std::uint64_t>(own.get()), .host = true});
  if (index != 0) static_cast<void>(own.release());
  return index;
}
// Null where `index` is no handle of one. Valid until the table changes.
inline const ErrorContext* find_error_context(HandleTable& handles, std::uint32_t index) {
  const HandleEntry* entry = handles.find(index);
  return entry && entry->type == kErrorContextTag
             ? reinterpret_cast<const ErrorContext*>(entry->rep)
             : nullptr;
}

}  // namespace unbolt::component
