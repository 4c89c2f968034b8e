#include "unbolt/providers/blob_memory/blob_memory.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

#include "unbolt/contracts/byte_budget.h"

namespace unbolt::providers {
namespace {

using contracts::BlobLimits;
using contracts::BlobName;
using contracts::BlobRange;
using contracts::BlobReader;
using contracts::BlobStore;
using contracts::BlobWriter;
using contracts::ByteBudget;
using contracts::ContainerInfo;
using contracts::NamePage;
using contracts::ObjectInfo;

// What an object or a container costs beside its bytes and its name, rounded up.
constexpr std::uint64_t kEntryCost = 256;

std::uint64_t now_in_seconds() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

// A share of the budget, given back with it. The budget outlives the store while somebody reads or
// writes.
class Charge {
 public:
  explicit Charge(std::shared_ptr<ByteBudget> budget) : budget_(std::move(budget)) {}
  ~Charge() {
    if (budget_) budget_->give_back(bytes_);
  }
  Charge(Charge&& other) noexcept
      : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&&) = delete;

  Result<> add(std::uint64_t bytes) {
    UNBOLT_TRY(budget_->take(bytes));
    bytes_ += bytes;
    return {};
  }

 private:
  std::shared_ptr<ByteBudget> budget_;
  std::uint64_t bytes_ = 0;
};

// Immutable once it is in a container. Every piece but the last is kPiece long.
struct Object {
  explicit Object(std::shared_ptr<ByteBudget> budget) : charge(std::move(budget)) {}
  Charge charge;
  std::vector<Bytes> pieces;
  std::uint64_t size = 0;
  std::uint64_t created_at = 0;
};
using SharedObject = std::shared_ptr<const Object>;

struct Container {
  explicit Container(std::shared_ptr<ByteBudget> budget) : charge(std::move(budget)) {}
  Charge charge;
  std::uint64_t created_at = 0;
  // Each with the cost of its name.
  std::map<std::string, std::pair<SharedObject, Charge>, std::less<>> objects;
};

// What the store and those who write into it share.
class Contents {
 public:
  explicit Contents(std::uint64_t limit) : budget_(std::make_shared<ByteBudget>(limit)) {}

  const std::shared_ptr<ByteBudget>& budget() const { return budget_; }

  Result<> create(std::string_view name) {
    Container made(budget_);
    UNBOLT_TRY(made.charge.add(kEntryCost + name.size()));
    made.created_at = now_in_seconds();
    const std::lock_guard lock(mutex_);
    if (!containers_.try_emplace(std::string(name), std::move(made)).second)
      return fail(ErrorCode::Conflict, "there is a container of that name already");
    return {};
  }
  void erase(std::string_view name) {
    decltype(containers_)::node_type gone;  // freed without the lock
    const std::lock_guard lock(mutex_);
    if (const auto found = containers_.find(name); found != containers_.end())
      gone = containers_.extract(found);
  }
  // `use` is called with the lock held.
  template <class Use>
  auto with(std::string_view name, Use use) -> std::invoke_result_t<Use&, Container&> {
    const std::lock_guard lock(mutex_);
    const auto found = containers_.find(name);
    if (found == containers_.end()) return contracts::no_container(name);
    return use(found->second);
  }
  template <class Use>
  auto with_all(Use use) {
    const std::lock_guard lock(mutex_);
    return use(containers_);
  }

  Result<SharedObject> find(BlobName name) {
    return with(name.container, [&](Container& container) -> Result<SharedObject> {
      const auto found = container.objects.find(name.object);
      if (found == container.objects.end()) return contracts::no_object(name);
      return found->second.first;
    });
  }
  Result<> put(BlobName name, SharedObject object) {
    SharedObject old;  // freed without the lock
    return with(name.container, [&](Container& container) -> Result<> {
      UNBOLT_ASSIGN(old, put_into(container, name.object, std::move(object)));
      return {};
    });
  }
  Result<> move(BlobName from, BlobName to) {
    SharedObject old;  // freed without the lock
    const std::lock_guard lock(mutex_);
    const auto source = containers_.find(from.container), target = containers_.find(to.container);
    if (source == containers_.end()) return contracts::no_container(from.container);
    if (target == containers_.end()) return contracts::no_container(to.container);
    const auto found = source->second.objects.find(from.object);
    if (found == source->second.objects.end()) return contracts::no_object(from);
    if (source == target && from.object == to.object) return {};
    UNBOLT_ASSIGN(old, put_into(target->second, to.object, found->second.first));
    source->second.objects.erase(found);
    return {};
  }

 private:
  // What was there before.
  Result<SharedObject> put_into(Container& container, std::string_view name, SharedObject object) {
    if (const auto found = container.objects.find(name); found != container.objects.end())
      return std::exchange(found->second.first, std::move(object));
    Charge charge(budget_);
    UNBOLT_TRY(charge.add(kEntryCost + name.size()));
    container.objects.try_emplace(std::string(name), std::move(object), std::move(charge));
    return nullptr;
  }

  const std::shared_ptr<ByteBudget> budget_;
  std::mutex mutex_;
  std::map<std::string, Container, std::less<>> containers_;
};

// The page of a sorted map's keys behind the cursor.
template <class Map>
NamePage page_of(const Map& map, std::optional<std::string_view> cursor) {
  NamePage page;
  auto at = cursor ? map.upper_bound(*cursor) : map.begin();
  for (; at != map.end() && page.names.size() < BlobLimits::kPageNames; ++at)
    page.names.push_back(at->first);
  if (at != map.end()) page.next = page.names.back();
  return page;
}

class Reader final : public BlobReader {
 public:
  Reader(SharedObject object, BlobRange range)
      : object_(std::move(object)),
        at_(std::min(range.offset, object_->size)),
        size_(std::min(range.length, object_->size - at_)),
        left_(size_) {}

  std::uint64_t size() const override { return size_; }
  Reply<Result<ByteView>> next(std::size_t limit) override {
    if (left_ == 0) return Result<ByteView>(ByteView{});
    const ByteView piece = ByteView(object_->pieces[at_ / BlobLimits::kPiece])
                               .subspan(static_cast<std::size_t>(at_ % BlobLimits::kPiece));
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(left_, std::min(limit, piece.size())));
    at_ += count;
    left_ -= count;
    return Result<ByteView>(piece.first(count));
  }

 private:
  SharedObject object_;
  std::uint64_t at_, size_, left_;
};

class Writer final : public BlobWriter {
 public:
  Writer(std::shared_ptr<Contents> contents, BlobName name)
      : contents_(std::move(contents)),
        container_(name.container),
        name_(name.object),
        object_(std::make_shared<Object>(contents_->budget())) {}

  Reply<Result<>> write(ByteView bytes) override {
    if (auto taken = object_->charge.add(bytes.size()); !taken) return taken;
    object_->size += bytes.size();
    while (!bytes.empty()) {
      if (object_->pieces.empty() || object_->pieces.back().size() == BlobLimits::kPiece) {
        object_->pieces.emplace_back();
        // A small object takes no more than it needs.
        if (object_->pieces.size() > 1) object_->pieces.back().reserve(BlobLimits::kPiece);
      }
      Bytes& piece = object_->pieces.back();
      const auto part = bytes.first(std::min(bytes.size(), BlobLimits::kPiece - piece.size()));
      piece.insert(piece.end(), part.begin(), part.end());
      bytes = bytes.subspan(part.size());
    }
    return Result<>();
  }
  Reply<Result<>> finish() override {
    if (!object_->pieces.empty()) object_->pieces.back().shrink_to_fit();
    object_->created_at = now_in_seconds();
    return contents_->put({container_, name_}, std::move(object_));
  }

 private:
  std::shared_ptr<Contents> contents_;
  std::string container_, name_;
  std::shared_ptr<Object> object_;
};

template <class T>
Reply<Result<T>> refused(Result<>& checked) {
  return Result<T>(std::unexpected(std::move(checked.error())));
}

class BlobMemory final : public BlobStore {
 public:
  explicit BlobMemory(BlobMemoryOptions options)
      : contents_(std::make_shared<Contents>(options.max_bytes)) {}

  Reply<Result<>> create_container(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok) return ok;
    return contents_->create(container);
  }
  Reply<Result<>> delete_container(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok) return ok;
    contents_->erase(container);
    return Result<>();
  }
  Reply<Result<bool>> container_exists(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok) return refused<bool>(ok);
    return Result<bool>(
        contents_->with_all([&](const auto& all) { return all.contains(container); }));
  }
  Reply<Result<ContainerInfo>> container_info(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok)
      return refused<ContainerInfo>(ok);
    return contents_->with(container, [](const Container& found) -> Result<ContainerInfo> {
      return ContainerInfo{found.created_at};
    });
  }
  Reply<Result<NamePage>> list_containers(std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_blob_cursor(cursor); !ok) return refused<NamePage>(ok);
    return Result<NamePage>(
        contents_->with_all([&](const auto& all) { return page_of(all, cursor); }));
  }
  Reply<Result<>> clear(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok) return ok;
    decltype(Container::objects) gone;
    return contents_->with(container, [&](Container& found) -> Result<> {
      gone.swap(found.objects);
      return {};
    });
  }

  Reply<Result<std::unique_ptr<BlobReader>>> read(BlobName name, BlobRange range) override {
    using Read = Result<std::unique_ptr<BlobReader>>;
    if (auto ok = contracts::check_blob_name(name); !ok)
      return refused<std::unique_ptr<BlobReader>>(ok);
    auto object = contents_->find(name);
    if (!object) return Read(std::unexpected(std::move(object.error())));
    return Read(std::make_unique<Reader>(std::move(*object), range));
  }
  Reply<Result<std::unique_ptr<BlobWriter>>> write(BlobName name) override {
    using Write = Result<std::unique_ptr<BlobWriter>>;
    if (auto ok = contracts::check_blob_name(name); !ok)
      return refused<std::unique_ptr<BlobWriter>>(ok);
    auto there = contents_->with(name.container, [](Container&) { return Result<>(); });
    if (!there) return Write(std::unexpected(std::move(there.error())));
    return Write(std::make_unique<Writer>(contents_, name));
  }
  Reply<Result<bool>> exists(BlobName name) override {
    if (auto ok = contracts::check_blob_name(name); !ok) return refused<bool>(ok);
    return contents_->with(name.container, [&](const Container& found) -> Result<bool> {
      return found.objects.contains(name.object);
    });
  }
  Reply<Result<ObjectInfo>> info(BlobName name) override {
    if (auto ok = contracts::check_blob_name(name); !ok) return refused<ObjectInfo>(ok);
    auto object = contents_->find(name);
    if (!object) return Result<ObjectInfo>(std::unexpected(std::move(object.error())));
    return Result<ObjectInfo>(ObjectInfo{(*object)->size, (*object)->created_at});
  }
  Reply<Result<>> remove_many(std::string_view container,
                              std::span<const std::string_view> objects) override {
    if (auto ok = contracts::check_blob_names(container, objects); !ok) return ok;
    std::vector<SharedObject> gone;
    return contents_->with(container, [&](Container& found) -> Result<> {
      for (std::string_view object : objects) {
        const auto at = found.objects.find(object);
        if (at == found.objects.end()) continue;
        gone.push_back(std::move(at->second.first));
        found.objects.erase(at);
      }
      return {};
    });
  }
  // Two names of one object, which nobody can change.
  Reply<Result<>> copy(BlobName from, BlobName to) override {
    if (auto ok = contracts::check_blob_name(from); !ok) return ok;
    if (auto ok = contracts::check_blob_name(to); !ok) return ok;
    auto object = contents_->find(from);
    if (!object) return Result<>(std::unexpected(std::move(object.error())));
    return contents_->put(to, std::move(*object));
  }
  Reply<Result<>> move(BlobName from, BlobName to) override {
    if (auto ok = contracts::check_blob_name(from); !ok) return ok;
    if (auto ok = contracts::check_blob_name(to); !ok) return ok;
    return contents_->move(from, to);
  }
  Reply<Result<NamePage>> list_objects(std::string_view container,
                                       std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_container_name(container); !ok) return refused<NamePage>(ok);
    if (auto ok = contracts::check_blob_cursor(cursor); !ok) return refused<NamePage>(ok);
    return contents_->with(container, [&](const Container& found) -> Result<NamePage> {
      return page_of(found.objects, cursor);
    });
  }

 private:
  std::shared_ptr<Contents> contents_;
};

}  // namespace

std::shared_ptr<BlobStore> make_blob_memory(BlobMemoryOptions options) {
  return std::make_shared<BlobMemory>(options);
}

Result<std::shared_ptr<BlobStore>> open_blob_memory(const contracts::ProviderUrl& url,
                                                    const contracts::ProviderContext&) {
  static constexpr std::string_view kOptions[] = {"max_bytes"};
  UNBOLT_TRY(url.only_options(kOptions));
  BlobMemoryOptions options;
  UNBOLT_ASSIGN(options.max_bytes, url.bytes_option("max_bytes", options.max_bytes));
  return make_blob_memory(options);
}

}  // namespace unbolt::providers
