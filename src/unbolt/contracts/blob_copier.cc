#include "unbolt/contracts/blob_copier.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <random>

namespace unbolt::contracts {
namespace {

constexpr auto kNever = BlobCopier::Clock::time_point::max();

}  // namespace

template <class T>
Task<Result<T>> BlobCopier::ask(Reply<Result<T>> reply, Clock::time_point deadline) {
  co_return co_await within(std::min(deadline, Clock::now() + limits_.call), "a call of the copy",
                            std::move(reply));
}

Task<> BlobCopier::rest() {
  if (progress_) progress_(counts_);
  if (limits_.pause.count() > 0) {
    Timer timer(co_await asio::this_coro::executor, limits_.pause);
    co_await timer.async_wait(use_task);
  } else {
    co_await asio::post(use_task);
  }
}

Task<Result<bool>> BlobCopier::target_holds_keys() {
  auto page = co_await ask(to_.list_containers(std::nullopt), kNever);
  if (!page) co_return std::unexpected(std::move(page.error()));
  co_return !page->names.empty();
}

Task<Result<bool>> BlobCopier::same_store() {
  std::random_device random;
  const std::string name = fmt::format("unbolt-copy-{:08x}{:08x}", random(), random());
  auto made = co_await ask(to_.create_container(name), kNever);
  if (!made) co_return std::unexpected(std::move(made.error()));
  auto seen = co_await ask(from_.container_exists(name), kNever);
  auto removed = co_await ask(to_.delete_container(name), kNever);
  if (!removed) co_return std::unexpected(std::move(removed.error()));
  co_return seen;
}

Task<Result<>> BlobCopier::make_container(std::string_view container, Clock::time_point deadline) {
  auto made = co_await ask(to_.create_container(container), deadline);
  if (!made && made.error().code != ErrorCode::Conflict) co_return made;
  co_return Result<>();
}

Task<Result<>> BlobCopier::remove_container(std::string_view container,
                                            Clock::time_point deadline) {
  std::optional<std::string> more;
  do {
    auto page = co_await ask(to_.list_objects(container, more), deadline);
    if (!page && page.error().code == ErrorCode::NotFound) co_return Result<>();
    if (!page) co_return std::unexpected(std::move(page.error()));
    counts_.removed += page->names.size();
    more = std::move(page->next);
  } while (more);
  co_return co_await ask(to_.delete_container(container), deadline);
}

Task<Result<>> BlobCopier::remove_stale_objects(std::string_view container,
                                                Clock::time_point deadline) {
  std::optional<std::string> more;
  do {
    auto page = co_await ask(to_.list_objects(container, more), deadline);
    if (!page) co_return std::unexpected(std::move(page.error()));
    std::vector<std::string_view> stale;
    for (const std::string& object : page->names) {
      auto there = co_await ask(from_.exists({container, object}), deadline);
      // The container may have gone meanwhile: that is noted, and looked at later.
      if (!there && there.error().code != ErrorCode::NotFound)
        co_return std::unexpected(std::move(there.error()));
      if (!there || !*there) stale.push_back(object);
    }
    if (!stale.empty()) {
      auto removed = co_await ask(to_.remove_many(container, stale), deadline);
      if (!removed) co_return removed;
      counts_.removed += stale.size();
    }
    more = std::move(page->next);
    if (deadline == kNever) co_await rest();
  } while (more);
  co_return Result<>();
}

Task<Result<>> BlobCopier::remove_stale() {
  std::optional<std::string> more;
  do {
    auto page = co_await ask(to_.list_containers(more), kNever);
    if (!page) co_return std::unexpected(std::move(page.error()));
    for (const std::string& container : page->names) {
      auto there = co_await ask(from_.container_exists(container), kNever);
      if (!there) co_return std::unexpected(std::move(there.error()));
      auto done = *there ? co_await remove_stale_objects(container, kNever)
                         : co_await remove_container(container, kNever);
      if (!done) co_return done;
    }
    more = std::move(page->next);
  } while (more);
  co_return Result<>();
}

Task<Result<>> BlobCopier::copy_all() {
  std::optional<std::string> more;
  do {
    auto containers = co_await ask(from_.list_containers(more), kNever);
    if (!containers) co_return std::unexpected(std::move(containers.error()));
    for (const std::string& container : containers->names) {
      ++counts_.buckets;
      auto made = co_await make_container(container, kNever);
      if (!made) co_return made;
      std::optional<std::string> more_objects;
      do {
        auto page = co_await ask(from_.list_objects(container, more_objects), kNever);
        if (!page && page.error().code == ErrorCode::NotFound) break;  // gone meanwhile
        if (!page) co_return std::unexpected(std::move(page.error()));
        auto done = co_await copy_keys(container, page->names);
        if (!done) co_return done;
        more_objects = std::move(page->next);
      } while (more_objects);
    }
    more = std::move(containers->next);
  } while (more);
  co_return Result<>();
}

Task<Result<>> BlobCopier::copy_keys(std::string_view container,
                                     std::span<const std::string> objects,
                                     Clock::time_point deadline) {
  auto there = co_await ask(from_.container_exists(container), deadline);
  if (!there) co_return std::unexpected(std::move(there.error()));
  if (!*there) co_return co_await remove_container(container, deadline);
  auto made = co_await make_container(container, deadline);
  if (!made) co_return made;
  if (std::ranges::find(objects, "") != objects.end()) {
    auto done = co_await remove_stale_objects(container, deadline);
    if (!done) co_return done;
  }
  for (const std::string& object : objects) {
    if (object.empty()) continue;
    auto done = co_await copy_object({container, object}, deadline);
    if (!done) co_return done;
    if (deadline == kNever) co_await rest();
  }
  co_return Result<>();
}

Task<Result<>> BlobCopier::copy_object(BlobName name, Clock::time_point deadline) {
  auto reader = co_await ask(from_.read(name, {}), deadline);
  if (!reader && reader.error().code == ErrorCode::NotFound)
    co_return co_await ask(to_.remove(name), deadline);
  if (!reader) co_return std::unexpected(std::move(reader.error()));
  auto writer = co_await ask(to_.write(name), deadline);
  if (!writer) co_return std::unexpected(std::move(writer.error()));
  std::uint64_t bytes = 0;
  while (true) {
    auto piece = co_await ask((*reader)->next(BlobLimits::kPiece), deadline);
    if (!piece) co_return std::unexpected(std::move(piece.error()));
    if (piece->empty()) break;
    bytes += piece->size();
    auto written = co_await ask((*writer)->write(*piece), deadline);
    if (!written) co_return written;
  }
  auto done = co_await ask((*writer)->finish(), deadline);
  if (!done) co_return done;
  ++counts_.keys;
  counts_.bytes += bytes;
  co_return Result<>();
}

}  // namespace unbolt::contracts
