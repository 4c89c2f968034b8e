// One telnet session into a component: an instance of its own, from the session's beginning to its
// end.
#pragma once

#include <memory>

#include "unbolt/base/log.h"
#include "unbolt/component/bind.h"
#include "unbolt/host/component_pool.h"
#include "unbolt/telnet/connection.h"

namespace unbolt::host {

// The handler of sessions that a component exports; null where it exports none. Conflict where its
// type is not the contract's.
Result<const component::ExportedFunc*> find_telnet_handler(
    const component::LinkedComponent& component);

// Calls `handle` (see `find_telnet_handler`). The pool's limits give it time as they give a call:
// so long it may compute between two waits for the client, and no longer; a session that is over
// (its client left, …) leaves it the session's `farewell` to come to its end. All that is given
// outlives the task. No error: the component ended the session. Else it trapped or ran out of time,
// or there was no room for it: the client was told, and the log has a line.
Task<Result<>> handle_session(ComponentPool& pool, const component::ExportedFunc& handle,
                              std::shared_ptr<telnet::Connection> session, Log& log);

}  // namespace unbolt::host
