// One message into a component: lease an instance, call its handler, give it back.
#pragma once

#include "unbolt/base/log.h"
#include "unbolt/component/bind.h"
#include "unbolt/contracts/messaging.h"
#include "unbolt/host/component_pool.h"

namespace unbolt::host {

// The handler of messages that a component exports, of wasmcloud:messaging in any version whose
// handler has the shape of 0.2; null where it exports none. Conflict, with both types, where its
// shape is another.
Result<const component::ExportedFunc*> find_message_handler(
    const component::LinkedComponent& component);

// Calls `handle` (see `find_message_handler`), within the time that the pool's limits give a call.
// All that is given outlives the task; `message` stays as it is. No error: the message is handled.
// Else the component answered with an error, trapped, ran out of time, or there was no room for it:
// the log has a line, and the message is to be given again where that can be done. When the task is
// cancelled, so is the call.
Task<Result<>> handle_message(ComponentPool& pool, const component::ExportedFunc& handle,
                              const contracts::Message& message, Log& log);

}  // namespace unbolt::host
