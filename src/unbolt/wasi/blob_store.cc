// wasi:blobstore@0.2.0-draft onto contracts::BlobStore. Every function answers at once where the
// provider does, and parks the guest where it does not.
#include "unbolt/component/bind.h"
#include "unbolt/contracts/guarded.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/wasi/blob_streams.h"
#include "unbolt/wasi/context.h"
#include "unbolt/wasi/interfaces.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using None = std::monostate;
using component::Own;
using contracts::BlobLimits;
using contracts::BlobName;
using contracts::BlobRange;
using contracts::BlobReader;
using contracts::BlobStore;
using contracts::BlobWriter;
using contracts::Choosable;
using contracts::ChosenLink;
using contracts::NamePage;

// The draft's error is text.
template <class T = void>
using Answer = std::expected<T, std::string>;

template <class T>
Answer<T> to_answer(Result<T> result) {
  if (!result) return std::unexpected(std::move(result.error().message));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}

// A provider's answer as the guest's, now or when it comes.
template <class To, class From, class Convert>
Task<To> answer_later(Task<From> task, Convert convert) {
  co_return convert(co_await std::move(task));
}
template <class From, class Convert>
auto answer(Reply<From> reply, Convert convert) -> Reply<std::invoke_result_t<Convert&, From>> {
  using To = std::invoke_result_t<Convert&, From>;
  if (reply.ready()) return convert(std::move(reply).take());
  return answer_later<To>(std::move(reply).task(), std::move(convert));
}
template <class T>
Reply<Answer<T>> answer(Reply<Result<T>> reply) {
  return answer(std::move(reply), [](Result<T> result) { return to_answer(std::move(result)); });
}
template <class T>
Reply<Answer<T>> refused(std::string why) {
  return Answer<T>(std::unexpected(std::move(why)));
}

// ---- Resources

// A handle names its container, and by it the link; the provider is looked up for each operation.
struct Container : contracts::Guarded {
  ChosenLink link = {};  // where it was opened
};

struct OutgoingValue {
  explicit OutgoingValue(std::shared_ptr<InstanceBlobs> instance)
      : sink(std::make_shared<BlobSink>(std::move(instance))) {}
  OutgoingValue(const OutgoingValue&) = delete;
  OutgoingValue& operator=(const OutgoingValue&) = delete;
  ~OutgoingValue() { sink->abandon(); }
  std::shared_ptr<BlobSink> sink;
  bool written = false;
  Children children{};
  bool has_children() const { return children.any(); }
};

struct IncomingValue {
  std::unique_ptr<BlobReader> reader;
  std::shared_ptr<InstanceBlobs> counted;
};

struct ObjectNames {
  Container container;
  NamePage page;  // not read yet from `next_name` on
  std::size_t next_name = 0;
  bool at_end() const { return next_name == page.names.size() && !page.next; }
};

// Null where there are too many of them.
std::shared_ptr<InstanceBlobs> count_blob(Call& call) {
  auto& blobs = call.host<contracts::Guest>().wasi->blobs;
  if (!blobs) blobs = std::make_shared<InstanceBlobs>();
  return blobs.use_count() > InstanceBlobs::kMaxOpen ? nullptr : blobs;
}
std::string too_many() {
  return fmt::format("more than {} values are open", InstanceBlobs::kMaxOpen);
}

// The name is that of a link, or of a container behind the link that has no name. Null where
// neither is linked.
const std::shared_ptr<BlobStore>& find_provider(Call& call, std::string_view container) {
  const auto& guest = call.host<contracts::Guest>();
  return guest.links->blob_store.find(guest.chosen.find(Choosable::BlobStore), container);
}
// Not null: nobody has a container that is not linked, and links come and go with instances.
const std::shared_ptr<BlobStore>& shared_provider(Call& call, const Container& container) {
  return call.host<contracts::Guest>().links->blob_store.find(contracts::to_pointer(container.link),
                                                              container.name);
}
BlobStore& provider(Call& call, const Container& container) {
  return *shared_provider(call, container);
}
// From now on of this name, where calls lead now.
Container opened(Call& call, std::string_view name) {
  return Container{{std::string(name)},
                   call.host<contracts::Guest>().chosen.copy(Choosable::BlobStore)};
}
std::string not_linked(std::string_view container) {
  return contracts::no_container(container).error().message;
}

// ---- types

Result<Own<OutgoingValue>> new_value(Call& call) {
  auto counted = count_blob(call);
  // The draft has no error here.
  if (!counted) return fail(ErrorCode::LimitExceeded, "new-outgoing-value: {}", too_many());
  return std::make_unique<OutgoingValue>(std::move(counted));
}

std::expected<Own<OutputStream>, None> write_body(Call&, Borrow<OutgoingValue> value) {
  if (std::exchange(value->written, true)) return std::unexpected(None{});
  return std::make_unique<OutputStream>(value->sink, value->children.add());
}

Task<Result<Answer<>>> finish_later(Own<OutgoingValue> value) {
  co_return to_answer(co_await value->sink->finish());
}
Reply<Result<Answer<>>> finish(Call&, Own<OutgoingValue> value) {
  if (value->has_children()) {
    return Result<Answer<>>(
        fail(ErrorCode::InvalidArgument, "outgoing-value.finish: its stream is still open"));
  }
  return finish_later(std::move(value));
}

// What a guest takes in one piece stands in memory twice.
constexpr std::uint64_t kMaxWhole = 64 << 20;

Task<Answer<Bytes>> read_whole(Own<IncomingValue> value) {
  Bytes whole;
  whole.reserve(static_cast<std::size_t>(value->reader->size()));
  while (true) {
    auto piece = co_await value->reader->next(BlobLimits::kPiece).wait();
    if (!piece) co_return std::unexpected(std::move(piece.error().message));
    if (piece->empty()) co_return whole;
    whole.insert(whole.end(), piece->begin(), piece->end());
  }
}
Reply<Answer<Bytes>> consume_sync(Call&, Own<IncomingValue> value) {
  if (value->reader->size() > kMaxWhole) {
    return refused<Bytes>(
        fmt::format("{} bytes in one piece, where {} are allowed: read them as a stream "
                    "(incoming-value-consume-async), or a range",
                    value->reader->size(), kMaxWhole));
  }
  return read_whole(std::move(value));
}
Answer<Own<InputStream>> consume_async(Call&, Own<IncomingValue> value) {
  return std::make_unique<InputStream>(std::make_shared<BlobSource>(std::move(value->reader)),
                                       std::move(value->counted));
}
std::uint64_t value_size(Call&, Borrow<IncomingValue> value) { return value->reader->size(); }

// ---- container

struct ContainerMetadata {
  std::string name;
  std::uint64_t created_at;
};
struct ObjectMetadata {
  std::string name, container;
  std::uint64_t created_at, size;
};

Answer<std::string> container_name(Call&, Borrow<Container> container) { return container->name; }

Reply<Answer<ContainerMetadata>> container_info(Call& call, Borrow<Container> container) {
  return answer(provider(call, *container).container_info(container->name),
                [name = container->name](Result<contracts::ContainerInfo> info) {
                  if (!info) return Answer<ContainerMetadata>(std::unexpect, info.error().message);
                  return Answer<ContainerMetadata>(ContainerMetadata{name, info->created_at});
                });
}

// Both ends of the range are part of it.
Reply<Answer<Own<IncomingValue>>> get_data(Call& call, Borrow<Container> container,
                                           std::string_view name, std::uint64_t start,
                                           std::uint64_t end) {
  if (start > end) {
    return refused<Own<IncomingValue>>(
        fmt::format("a range from {} to {} ends before it begins", start, end));
  }
  auto counted = count_blob(call);
  if (!counted) return refused<Own<IncomingValue>>(too_many());
  const BlobRange range{start, end - start == UINT64_MAX ? UINT64_MAX : end - start + 1};
  return answer(provider(call, *container).read({container->name, name}, range),
                [counted = std::move(counted)](Result<std::unique_ptr<BlobReader>> reader) mutable {
                  if (!reader)
                    return Answer<Own<IncomingValue>>(std::unexpect, reader.error().message);
                  return Answer<Own<IncomingValue>>(std::make_unique<IncomingValue>(
                      IncomingValue{std::move(*reader), std::move(counted)}));
                });
}

Task<Answer<>> attach(std::shared_ptr<BlobSink> sink,
                      Reply<Result<std::unique_ptr<BlobWriter>>> to) {
  auto writer = co_await std::move(to).wait();
  if (!writer) co_return std::unexpected(std::move(writer.error().message));
  co_return to_answer(co_await sink->attach(std::move(*writer)));
}
Reply<Answer<>> write_data(Call& call, Borrow<Container> container, std::string_view name,
                           Borrow<OutgoingValue> data) {
  if (data->sink->attached()) return refused<void>("the value was given to a container already");
  return attach(data->sink, provider(call, *container).write({container->name, name}));
}

Reply<Answer<Own<ObjectNames>>> list_objects(Call& call, Borrow<Container> container) {
  return answer(provider(call, *container).list_objects(container->name, std::nullopt),
                [of = *container](Result<NamePage> page) {
                  if (!page) return Answer<Own<ObjectNames>>(std::unexpect, page.error().message);
                  return Answer<Own<ObjectNames>>(
                      std::make_unique<ObjectNames>(ObjectNames{of, std::move(*page)}));
                });
}
Reply<Answer<>> delete_object(Call& call, Borrow<Container> container, std::string_view name) {
  return answer(provider(call, *container).remove({container->name, name}));
}
Reply<Answer<>> delete_objects(Call& call, Borrow<Container> container,
                               std::vector<std::string_view> names) {
  return answer(provider(call, *container).remove_many(container->name, names));
}
Reply<Answer<bool>> has_object(Call& call, Borrow<Container> container, std::string_view name) {
  return answer(provider(call, *container).exists({container->name, name}));
}
Reply<Answer<ObjectMetadata>> object_info(Call& call, Borrow<Container> container,
                                          std::string_view name) {
  return answer(
      provider(call, *container).info({container->name, name}),
      [of = container->name, name = std::string(name)](Result<contracts::ObjectInfo> info) {
        if (!info) return Answer<ObjectMetadata>(std::unexpect, info.error().message);
        return Answer<ObjectMetadata>(ObjectMetadata{name, of, info->created_at, info->size});
      });
}
Reply<Answer<>> clear(Call& call, Borrow<Container> container) {
  return answer(provider(call, *container).clear(container->name));
}

// ---- stream-object-names

// The next page where this one has been read.
Task<Result<>> turn_page(BlobStore* store, ObjectNames* names) {
  if (names->next_name < names->page.names.size() || !names->page.next) co_return Result<>{};
  auto page = co_await store->list_objects(names->container.name, names->page.next).wait();
  if (!page) co_return std::unexpected(std::move(page.error()));
  names->page = std::move(*page);
  names->next_name = 0;
  co_return Result<>{};
}

using Names = std::tuple<std::vector<std::string>, bool>;
Task<Answer<Names>> read_later(std::shared_ptr<BlobStore> store, ObjectNames* names,
                               std::uint64_t length) {
  std::vector<std::string> read;
  while (read.size() < length && !names->at_end()) {
    if (auto turned = co_await turn_page(store.get(), names); !turned) {
      if (!read.empty()) break;  // those that were taken are not lost; the next call says why
      co_return std::unexpected(std::move(turned.error().message));
    }
    for (auto& list = names->page.names; read.size() < length && names->next_name < list.size();)
      read.push_back(std::move(list[names->next_name++]));
  }
  co_return Names(std::move(read), names->at_end());
}
Reply<Answer<Names>> read_names(Call& call, Borrow<ObjectNames> names, std::uint64_t length) {
  return read_later(shared_provider(call, names->container), names.object,
                    std::min<std::uint64_t>(length, BlobLimits::kBatchNames));
}

using Skipped = std::tuple<std::uint64_t, bool>;
Task<Answer<Skipped>> skip_later(std::shared_ptr<BlobStore> store, ObjectNames* names,
                                 std::uint64_t count) {
  std::uint64_t skipped = 0;
  while (skipped < count && !names->at_end()) {
    if (auto turned = co_await turn_page(store.get(), names); !turned) {
      if (skipped > 0) break;
      co_return std::unexpected(std::move(turned.error().message));
    }
    const std::uint64_t part =
        std::min<std::uint64_t>(count - skipped, names->page.names.size() - names->next_name);
    names->next_name += static_cast<std::size_t>(part);
    skipped += part;
  }
  co_return Skipped(skipped, names->at_end());
}
Reply<Answer<Skipped>> skip_names(Call& call, Borrow<ObjectNames> names, std::uint64_t count) {
  return skip_later(shared_provider(call, names->container), names.object, count);
}

// ---- blobstore

Reply<Answer<Own<Container>>> create_container(Call& call, std::string_view name) {
  const auto& store = find_provider(call, name);
  if (!store) return refused<Own<Container>>(not_linked(name));
  return answer(store->create_container(name), [made = opened(call, name)](Result<> created) {
    if (!created) return Answer<Own<Container>>(std::unexpect, created.error().message);
    return Answer<Own<Container>>(std::make_unique<Container>(made));
  });
}
Reply<Answer<Own<Container>>> get_container(Call& call, std::string_view name) {
  const auto& store = find_provider(call, name);
  if (!store) return refused<Own<Container>>(not_linked(name));
  return answer(store->container_exists(name), [found = opened(call, name)](Result<bool> exists) {
    if (!exists) return Answer<Own<Container>>(std::unexpect, exists.error().message);
    if (!*exists) return Answer<Own<Container>>(std::unexpect, not_linked(found.name));
    return Answer<Own<Container>>(std::make_unique<Container>(found));
  });
}
Reply<Answer<>> delete_container(Call& call, std::string_view name) {
  const auto& store = find_provider(call, name);
  if (!store) return Answer<>{};
  return answer(store->delete_container(name));
}
Reply<Answer<bool>> container_exists(Call& call, std::string_view name) {
  const auto& store = find_provider(call, name);
  if (!store) return Answer<bool>(false);
  return answer(store->container_exists(name));
}

struct ObjectId {
  std::string_view container, name;
};
BlobName to_name(const ObjectId& id) { return {id.container, id.name}; }

// Between two providers: the bytes go through this program.
Task<Result<>> carry(Reply<Result<std::unique_ptr<BlobReader>>> from,
                     Reply<Result<std::unique_ptr<BlobWriter>>> to) {
  auto reader = co_await std::move(from).wait();
  if (!reader) co_return std::unexpected(std::move(reader.error()));
  auto writer = co_await std::move(to).wait();
  if (!writer) co_return std::unexpected(std::move(writer.error()));
  while (true) {
    auto piece = co_await (*reader)->next(BlobLimits::kPiece).wait();
    if (!piece) co_return std::unexpected(std::move(piece.error()));
    if (piece->empty()) break;
    if (auto written = co_await (*writer)->write(*piece).wait(); !written) co_return written;
  }
  co_return co_await (*writer)->finish().wait();
}
Task<Result<>> carry_off(Task<Result<>> carried, std::shared_ptr<BlobStore> store,
                         std::string container, std::string object) {
  if (auto done = co_await std::move(carried); !done) co_return done;
  co_return co_await store->remove({container, object}).wait();
}

enum class Keep : bool { No, Yes };
Reply<Answer<>> transfer(Call& call, const ObjectId& from, const ObjectId& to, Keep keep) {
  const auto& source = find_provider(call, from.container);
  const auto& target = find_provider(call, to.container);
  if (!source) return refused<void>(not_linked(from.container));
  if (!target) return refused<void>(not_linked(to.container));
  if (source == target) {
    return answer(keep == Keep::Yes ? source->copy(to_name(from), to_name(to))
                                    : source->move(to_name(from), to_name(to)));
  }
  auto carried = carry(source->read(to_name(from), {}), target->write(to_name(to)));
  if (keep == Keep::Yes) return answer<void>(std::move(carried));
  return answer<void>(
      carry_off(std::move(carried), source, std::string(from.container), std::string(from.name)));
}
Reply<Answer<>> copy_object(Call& call, ObjectId from, ObjectId to) {
  return transfer(call, from, to, Keep::Yes);
}
Reply<Answer<>> move_object(Call& call, ObjectId from, ObjectId to) {
  return transfer(call, from, to, Keep::No);
}

}  // namespace

void add_blob_store(component::HostInterfaces& host) {
  host.add("wasi:blobstore/types@0.2.0-draft")
      .resource<OutgoingValue>("outgoing-value")
      .resource<IncomingValue>("incoming-value")
      .func<&new_value>("[static]outgoing-value.new-outgoing-value")
      .func<&write_body>("[method]outgoing-value.outgoing-value-write-body")
      .func<&finish>("[static]outgoing-value.finish")
      .func<&consume_sync>("[static]incoming-value.incoming-value-consume-sync")
      .func<&consume_async>("[static]incoming-value.incoming-value-consume-async")
      .func<&value_size>("[method]incoming-value.size");
  host.add("wasi:blobstore/container@0.2.0-draft")
      .resource<Container>("container")
      .resource<ObjectNames>("stream-object-names")
      .func<&container_name>("[method]container.name")
      .func<&container_info>("[method]container.info")
      .func<&get_data>("[method]container.get-data")
      .func<&write_data>("[method]container.write-data")
      .func<&list_objects>("[method]container.list-objects")
      .func<&delete_object>("[method]container.delete-object")
      .func<&delete_objects>("[method]container.delete-objects")
      .func<&has_object>("[method]container.has-object")
      .func<&object_info>("[method]container.object-info")
      .func<&clear>("[method]container.clear")
      .func<&read_names>("[method]stream-object-names.read-stream-object-names")
      .func<&skip_names>("[method]stream-object-names.skip-stream-object-names");
  host.add("wasi:blobstore/blobstore@0.2.0-draft")
      .func<&create_container>("create-container")
      .func<&get_container>("get-container")
      .func<&delete_container>("delete-container")
      .func<&container_exists>("container-exists")
      .func<&copy_object>("copy-object")
      .func<&move_object>("move-object");
}

}  // namespace unbolt::wasi
