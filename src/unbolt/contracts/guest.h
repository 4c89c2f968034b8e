// What stands behind one live component: where its contracts lead, and what it may do.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "unbolt/base/task.h"
#include "unbolt/contracts/audit.h"
#include "unbolt/contracts/link_choices.h"
#include "unbolt/contracts/links.h"

namespace unbolt::wasi {
struct Context;
}
namespace unbolt::host {
class Callees;
}

namespace unbolt::contracts {

// Host functions find it with `call.host<Guest>()`. Belongs to whoever made the instance, outlives
// it, on its loop.
struct Guest {
  std::string_view component;  // its name, for the log
  Executor loop;
  const Links* links = nullptr;  // pinned for the invocation
  wasi::Context* wasi = nullptr;
  host::Callees* callees = nullptr;  // other components that contracts lead to
  LinkChoices chosen = {};
  std::shared_ptr<std::uint64_t> held_bytes = nullptr;  // behind its handles (held_bytes.h)
  AuditLog* audit = nullptr;                            // null: nobody is told
  std::string_view revision = {};                       // the digest of its file, for that
};

}  // namespace unbolt::contracts
