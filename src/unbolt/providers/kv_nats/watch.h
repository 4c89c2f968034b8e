// Reports of what changes in a store, by whichever program.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "unbolt/contracts/key_value.h"
#include "unbolt/providers/kv_nats/entries.h"

namespace unbolt::providers::nats_kv {

// A consumer, made anew where the server has lost it: from behind the last change that was seen.
class Watcher {
 public:
  virtual ~Watcher() = default;
  // No report begins from then on, and one that is under way has ended. Twice does no harm.
  virtual void end() = 0;
};

// Blocks.
Result<std::shared_ptr<Watcher>> start_watch(std::shared_ptr<const Store> store,
                                             std::optional<std::string> bucket,
                                             contracts::OnKeyChange changed);

}  // namespace unbolt::providers::nats_kv
