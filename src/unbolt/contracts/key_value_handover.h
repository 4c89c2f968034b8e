// Moving the data of a key-value store to another one while calls go on.
#pragma once

#include <memory>

#include "unbolt/contracts/handover.h"
#include "unbolt/contracts/key_value.h"

namespace unbolt::contracts {

// Stands in front of the old store, and after a copy in front of the new one, for ever. All writes
// to the old store must come through here from before the copy begins: one that does not may be
// missing in the new store.
//
// Before the cut-over every call goes to the old store. At the cut-over new writes are held, on
// their own loops, until those on their way to the old store were answered and the last keys were
// carried over; reads are never held. A write is done in one of the stores, never in both, and one
// that was answered is in the new store. What a cancelled or failed write to the old store does
// after it ended may be missing there.
//
// A listing goes on in the store where it began. A watch goes on at the new store: the copy is not
// reported, each change at least once by one of the stores; changes that the old store reports
// later than two seconds after the cut-over are missing.
//
// Both stores are kept as long as this, or a task of it, lives.
class KeyValueHandover final : public KeyValue {
 public:
  KeyValueHandover(std::shared_ptr<KeyValue> old, std::shared_ptr<KeyValue> next);
  ~KeyValueHandover() override;

  // Copies, and cuts over. On a loop that nobody waits for; one at a time. Where it fails, or is
  // cancelled, the old store stays in service, holding all that was written, and the new one holds
  // some part of it: `copy` may be called again (with Mirror, as it holds keys now). After the
  // cut-over: Conflict.
  //
  // InvalidArgument where both are the same store. Timeout where writes to the old store had not
  // ended, or the last keys could not be carried over, within `hold`: then the held writes have
  // gone on to the old store. Ends when its last call to a store has ended, which may be later.
  Task<Result<CopyReport>> copy(HandoverOptions options);
  // While a copy runs, on any thread.
  CopyReport report() const;
  bool handed_over() const;

  std::string_view name() const override;
  Reply<Result<std::optional<Bytes>>> get(std::string_view bucket, std::string_view key) override;
  Reply<Result<>> set(std::string_view bucket, std::string_view key, ByteView value) override;
  Reply<Result<>> remove(std::string_view bucket, std::string_view key) override;
  Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) override;
  Reply<Result<KeyPage>> list_keys(std::string_view bucket,
                                   std::optional<std::string_view> cursor) override;
  Reply<Result<std::uint64_t>> increment(std::string_view bucket, std::string_view key,
                                         std::uint64_t delta) override;
  Reply<Result<bool>> compare_and_set(std::string_view bucket, std::string_view key,
                                      std::optional<ByteView> expected, ByteView value) override;
  Reply<Result<std::vector<std::optional<Bytes>>>> get_many(
      std::string_view bucket, std::span<const std::string_view> keys) override;
  Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) override;
  Reply<Result<>> remove_many(std::string_view bucket,
                              std::span<const std::string_view> keys) override;
  Reply<Result<BucketPage>> list_buckets(std::optional<std::string_view> cursor) override;
  Reply<Result<std::unique_ptr<KeyWatch>>> watch(std::optional<std::string_view> bucket,
                                                 OnKeyChange changed) override;

  struct State;

 private:
  std::shared_ptr<State> state_;  // shared with tasks
};

}  // namespace unbolt::contracts
