// What stands behind one live component: where its contracts lead, and what it may do.
#pragma once

#include <memory>
#include <string_view>

#include "unbolt/base/task.h"
#include "unbolt/contracts/config.h"
#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/logging.h"

namespace unbolt::wasi {
struct Context;
}

namespace unbolt::contracts {

// The providers of a component's links. An immutable snapshot: to swap is to publish another.
struct Links {
  std::shared_ptr<KeyValue> key_value;
  std::shared_ptr<Config> config;
  std::shared_ptr<Logging> logging;
};

// Host functions find it with `call.host<Guest>()`. Belongs to whoever made the instance, outlives
// it, on its loop.
struct Guest {
  std::string_view component;  // its name, for the log
  Executor loop;
  const Links* links = nullptr;  // pinned for the invocation
  wasi::Context* wasi = nullptr;
};

}  // namespace unbolt::contracts
