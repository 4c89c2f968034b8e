#include "unbolt/contracts/blob_handover.h"

#include <string>
#include <utility>
#include <vector>

#include "unbolt/contracts/blob_copier.h"
#include "unbolt/contracts/cut_over.h"
#include "unbolt/contracts/handed_listing.h"

namespace unbolt::contracts {

struct BlobHandover::State : HandoverState {
  State(std::shared_ptr<BlobStore> from, std::shared_ptr<BlobStore> to)
      : old(std::move(from)), next(std::move(to)) {}

  BlobStore& at(HandoverGate::Way way) const {
    return way == HandoverGate::Way::New ? *next : *old;
  }
  BlobStore& to_read() const { return at(gate.way_to_read()); }
  std::string old_name() const { return "the old one"; }
  std::string next_name() const { return "the new one"; }
  Task<Result<>> follow(HandoverGate::Clock::time_point) { co_return Result<>(); }
  void switch_over() {}
  void forget() {}

  const std::shared_ptr<BlobStore> old, next;
};

namespace {

using Effect = ChangedKeys::Effect;
using State = BlobHandover::State;
using StatePtr = std::shared_ptr<State>;
using Way = HandoverGate::Way;

// What a write changes in a container: objects, or with the empty name the container itself.
struct Changes {
  std::string container;
  std::vector<std::string> objects;
};

// A write to the old store, from before it begins until it was answered or dropped. Noted before
// it is counted no longer.
struct Counted {
  State& state;
  const std::vector<Changes>& changes;
  HandoverGate::Pass pass;
  Effect effect = Effect::Unsure;
  ~Counted() {
    for (const Changes& change : changes)
      for (std::string_view object : change.objects)
        state.changed.note(change.container, {&object, 1}, effect);
  }
};

// Waits while the gate is closed; with a pass where the way is to the old store.
Task<Way> enter(State& state, HandoverGate::Pass& pass) {
  while (true) {
    const Way way = state.gate.enter(pass);
    if (way != Way::Closed) co_return way;
    co_await state.gate.opened();
  }
}

// `call(store, changes)` makes the write, of what `changes` names.
template <class Call>
Task<Result<>> counted(StatePtr state, std::vector<Changes> changes, Call call) {
  HandoverGate::Pass pass;
  if (co_await enter(*state, pass) == Way::New)
    co_return co_await call(*state->next, changes).wait();
  Counted write{*state, changes, std::move(pass)};
  Result<> done = co_await call(*state->old, changes).wait();
  if (done) write.effect = Effect::Done;
  co_return done;
}

// An object on its way into the old store.
class ForwardedWriter final : public BlobWriter {
 public:
  ForwardedWriter(StatePtr state, BlobName name, std::unique_ptr<BlobWriter> writer)
      : state_(std::move(state)),
        changes_{{std::string(name.container), {std::string(name.object)}}},
        writer_(std::move(writer)) {}

  Reply<Result<>> write(ByteView bytes) override { return writer_->write(bytes); }
  Reply<Result<>> finish() override { return finish_later(*this); }

 private:
  // A call's task ends before the writer does.
  static Task<Result<>> finish_later(ForwardedWriter& self) {
    HandoverGate::Pass pass;
    const Way way = co_await enter(*self.state_, pass);
    if (way == Way::New) co_return co_await finish_after(self);
    Counted write{*self.state_, self.changes_, std::move(pass)};
    Result<> done = co_await self.writer_->finish().wait();
    if (done) write.effect = Effect::Done;
    co_return done;
  }
  // The old store is out of service: nobody sees the object there.
  static Task<Result<>> finish_after(ForwardedWriter& self) {
    Result<> done = co_await self.writer_->finish().wait();
    if (!done) co_return done;
    const Changes& change = self.changes_.front();
    BlobCopier copier(*self.state_->old, *self.state_->next, CopyLimits());
    co_return co_await copier.copy_object({change.container, change.objects.front()},
                                          BlobCopier::Clock::time_point::max());
  }

  const StatePtr state_;
  const std::vector<Changes> changes_;
  const std::unique_ptr<BlobWriter> writer_;
};

using Opened = Result<std::unique_ptr<BlobWriter>>;

Opened forwarded(StatePtr state, BlobName name, Opened writer) {
  if (!writer) return writer;
  return std::make_unique<ForwardedWriter>(std::move(state), name, std::move(*writer));
}
Task<Opened> forwarded_later(StatePtr state, std::string container, std::string object,
                             Task<Opened> writer) {
  co_return forwarded(std::move(state), {container, object}, co_await std::move(writer));
}

Changes change_of(BlobName name) {
  return {std::string(name.container), {std::string(name.object)}};
}
// The container itself.
std::vector<Changes> change_of(std::string_view container) {
  return {{std::string(container), {""}}};
}
BlobName name_in(const Changes& change) { return {change.container, change.objects.front()}; }

}  // namespace

BlobHandover::BlobHandover(std::shared_ptr<BlobStore> old, std::shared_ptr<BlobStore> next)
    : state_(std::make_shared<State>(std::move(old), std::move(next))) {}
BlobHandover::~BlobHandover() = default;

Task<Result<CopyReport>> BlobHandover::copy(HandoverOptions options) {
  return run_handover<BlobCopier>(state_, options);
}

CopyReport BlobHandover::report() const {
  const std::lock_guard lock(state_->mutex);
  return state_->report;
}

bool BlobHandover::handed_over() const { return state_->gate.handed_over(); }

Reply<Result<bool>> BlobHandover::container_exists(std::string_view container) {
  return state_->to_read().container_exists(container);
}
Reply<Result<ContainerInfo>> BlobHandover::container_info(std::string_view container) {
  return state_->to_read().container_info(container);
}
Reply<Result<std::unique_ptr<BlobReader>>> BlobHandover::read(BlobName name, BlobRange range) {
  return state_->to_read().read(name, range);
}
Reply<Result<bool>> BlobHandover::exists(BlobName name) { return state_->to_read().exists(name); }
Reply<Result<ObjectInfo>> BlobHandover::info(BlobName name) { return state_->to_read().info(name); }

Reply<Result<NamePage>> BlobHandover::list_containers(std::optional<std::string_view> cursor) {
  const HandedListing listing = listing_of(state_->gate, cursor);
  return tagged<NamePage>(state_->at(listing.way).list_containers(listing.cursor), listing.tag);
}
Reply<Result<NamePage>> BlobHandover::list_objects(std::string_view container,
                                                   std::optional<std::string_view> cursor) {
  const HandedListing listing = listing_of(state_->gate, cursor);
  return tagged<NamePage>(state_->at(listing.way).list_objects(container, listing.cursor),
                          listing.tag);
}

Reply<Result<>> BlobHandover::create_container(std::string_view container) {
  if (auto ok = check_container_name(container); !ok) return ok;
  if (handed_over()) return state_->next->create_container(container);
  return counted(state_, change_of(container),
                 [](BlobStore& store, const std::vector<Changes>& changes) {
                   return store.create_container(changes.front().container);
                 });
}
Reply<Result<>> BlobHandover::delete_container(std::string_view container) {
  if (auto ok = check_container_name(container); !ok) return ok;
  if (handed_over()) return state_->next->delete_container(container);
  return counted(state_, change_of(container),
                 [](BlobStore& store, const std::vector<Changes>& changes) {
                   return store.delete_container(changes.front().container);
                 });
}
Reply<Result<>> BlobHandover::clear(std::string_view container) {
  if (auto ok = check_container_name(container); !ok) return ok;
  if (handed_over()) return state_->next->clear(container);
  return counted(state_, change_of(container),
                 [](BlobStore& store, const std::vector<Changes>& changes) {
                   return store.clear(changes.front().container);
                 });
}

Reply<Result<>> BlobHandover::remove_many(std::string_view container,
                                          std::span<const std::string_view> objects) {
  if (auto ok = check_blob_names(container, objects); !ok) return ok;
  if (handed_over()) return state_->next->remove_many(container, objects);
  return counted(state_, {{std::string(container), {objects.begin(), objects.end()}}},
                 [](BlobStore& store, const std::vector<Changes>& changes) {
                   const Changes& change = changes.front();
                   const std::vector<std::string_view> names(change.objects.begin(),
                                                             change.objects.end());
                   return store.remove_many(change.container, names);
                 });
}

Reply<Result<>> BlobHandover::copy(BlobName from, BlobName to) {
  if (auto ok = check_blob_name(from); !ok) return ok;
  if (auto ok = check_blob_name(to); !ok) return ok;
  if (handed_over()) return state_->next->copy(from, to);
  return counted(state_, {change_of(from), change_of(to)},
                 [](BlobStore& store, const std::vector<Changes>& changes) {
                   return store.copy(name_in(changes[0]), name_in(changes[1]));
                 });
}
Reply<Result<>> BlobHandover::move(BlobName from, BlobName to) {
  if (auto ok = check_blob_name(from); !ok) return ok;
  if (auto ok = check_blob_name(to); !ok) return ok;
  if (handed_over()) return state_->next->move(from, to);
  return counted(state_, {change_of(from), change_of(to)},
                 [](BlobStore& store, const std::vector<Changes>& changes) {
                   return store.move(name_in(changes[0]), name_in(changes[1]));
                 });
}

// Opening a writer changes nothing: it is not held at the cut-over.
Reply<Result<std::unique_ptr<BlobWriter>>> BlobHandover::write(BlobName name) {
  if (handed_over()) return state_->next->write(name);
  auto writer = state_->old->write(name);
  if (writer.ready()) return forwarded(state_, name, std::move(writer).take());
  return forwarded_later(state_, std::string(name.container), std::string(name.object),
                         std::move(writer).task());
}

}  // namespace unbolt::contracts
