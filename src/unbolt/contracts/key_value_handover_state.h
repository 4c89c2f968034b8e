// What a hand-over of a key-value store and its tasks share.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "unbolt/contracts/cut_over.h"
#include "unbolt/contracts/key_value_handover.h"
#include "unbolt/contracts/watch_relay.h"

namespace unbolt::contracts {

struct KeyValueHandover::State : HandoverState {
  State(std::shared_ptr<KeyValue> from, std::shared_ptr<KeyValue> to)
      : old(std::move(from)), next(std::move(to)) {}

  KeyValue& at(HandoverGate::Way way) const { return way == HandoverGate::Way::New ? *next : *old; }
  KeyValue& to_read() const { return at(gate.way_to_read()); }
  std::string old_name() const { return fmt::format("{}:", old->name()); }
  std::string next_name() const { return fmt::format("{}:", next->name()); }
  Task<Result<>> follow(HandoverGate::Clock::time_point deadline) {
    return watches.follow(*next, deadline);
  }
  void switch_over() { watches.switch_over(); }
  void forget() { watches.forget(); }

  const std::shared_ptr<KeyValue> old, next;
  WatchRelays watches;
};

// The copy itself.
Task<Result<CopyReport>> hand_over(std::shared_ptr<KeyValueHandover::State> state,
                                   HandoverOptions options);

}  // namespace unbolt::contracts
