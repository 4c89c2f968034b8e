// One change of a key into a component: lease an instance, call its watcher, give it back.
#pragma once

#include <optional>

#include "unbolt/base/log.h"
#include "unbolt/component/bind.h"
#include "unbolt/contracts/key_value.h"
#include "unbolt/host/component_pool.h"

namespace unbolt::host {

// wasi:keyvalue/watcher, as a component exports it; the functions are the component's.
struct Watcher {
  const component::ExportedFunc* on_set;
  const component::ExportedFunc* on_delete;
};

// The watcher that a component exports; none where it exports none. Conflict where its type is not
// the contract's.
Result<std::optional<Watcher>> find_watcher(const component::LinkedComponent& component);

// Calls the watcher (see `find_watcher`) for a change that was set or deleted, within the time that
// the pool's limits give a call; the bucket that it is given leads where the component's link of
// that name does. All that is given outlives the task.
//
// No error: the component was told. Else it trapped, ran out of time, there was no room for it, or
// (InvalidArgument) the key or the bucket's name is no text, which the contract cannot say: the log
// has a line. `Missed` is a line in the log and no call: the contract has no word for it. When the
// task is cancelled, so is the call.
Task<Result<>> report_change(ComponentPool& pool, const Watcher& watcher,
                             const contracts::KeyChange& change, Log& log);

}  // namespace unbolt::host
