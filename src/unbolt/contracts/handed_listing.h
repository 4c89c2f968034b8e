// Listings during a hand-over: a cursor tells which store it is of, and the listing goes on there.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"
#include "unbolt/contracts/handover_gate.h"

namespace unbolt::contracts {

struct HandedListing {
  HandoverGate::Way way;
  std::string_view tag;  // of the cursors that it answers
  std::optional<std::string_view> cursor;
};

// Where a listing begins, or where its cursor is from.
inline HandedListing listing_of(const HandoverGate& gate, std::optional<std::string_view> cursor) {
  constexpr std::string_view kOfOld = "o:", kOfNext = "n:";
  bool next = gate.handed_over();
  if (cursor && cursor->starts_with(kOfOld)) {
    next = false;
    cursor->remove_prefix(kOfOld.size());
  } else if (cursor && next && cursor->starts_with(kOfNext)) {
    cursor->remove_prefix(kOfNext.size());
  }
  return {next ? HandoverGate::Way::New : HandoverGate::Way::Old, next ? kOfNext : kOfOld, cursor};
}

template <class Page>
Result<Page> tagged(Result<Page> page, std::string_view tag) {
  if (page && page->next) page->next->insert(0, tag);
  return page;
}
template <class Page>
Task<Result<Page>> tagged_later(Task<Result<Page>> page, std::string_view tag) {
  co_return tagged<Page>(co_await std::move(page), tag);
}
template <class Page>
Reply<Result<Page>> tagged(Reply<Result<Page>> page, std::string_view tag) {
  if (page.ready()) return tagged<Page>(std::move(page).take(), tag);
  return tagged_later<Page>(std::move(page).task(), tag);
}

}  // namespace unbolt::contracts
