#include "unbolt/providers/blob_files/store_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <set>

#include "unbolt/contracts/text.h"
#include "unbolt/providers/blob_files/names.h"

namespace unbolt::providers::blob_files {
namespace {

using contracts::BlobLimits;
using contracts::BlobName;
using contracts::ContainerInfo;
using contracts::NamePage;
using contracts::ObjectInfo;
using files::Errno;
using files::Listing;
using files::Outcome;

// Of drafts and of containers that are being removed; no name has a path that begins with a dot.
constexpr std::string_view kDrafts = ".tmp";
// Others may remove the folders that are needed as often as they are made.
constexpr int kAttempts = 100;
// No name of ours lies deeper.
constexpr int kDeepest = 32;

std::string path_of(BlobName name) { return to_path(name.container) + "/" + to_path(name.object); }

Outcome<NodePointer> open_folder(const files::Node& root, std::string_view path) {
  return root.open_at(path, {.folder = true});
}

std::uint64_t seconds_of(std::int64_t seconds) {
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds);
}

// The names behind the cursor that come first, as many as a page has.
class PageOf {
 public:
  explicit PageOf(const std::optional<std::string>& cursor) : cursor_(cursor) {}

  void add(std::string name) {
    if (cursor_ && name <= *cursor_) return;
    // One more than it has, to know whether it is the last.
    if (names_.size() > BlobLimits::kPageNames) {
      if (name > *names_.rbegin()) return;
      // A file that is replaced meanwhile may be met twice.
      if (names_.insert(std::move(name)).second) names_.erase(std::prev(names_.end()));
    } else {
      names_.insert(std::move(name));
    }
  }
  NamePage take() && {
    NamePage page;
    const bool more = names_.size() > BlobLimits::kPageNames;
    if (more) names_.erase(std::prev(names_.end()));
    while (!names_.empty()) page.names.push_back(std::move(names_.extract(names_.begin()).value()));
    if (more) page.next = page.names.back();
    return page;
  }

 private:
  const std::optional<std::string>& cursor_;
  std::set<std::string> names_;
};

// Calls `visit` with the path of every file that is an object, relative to `folder`.
template <class Visit>
Outcome<> each_object(const files::Node& folder, const std::string& prefix, int depth,
                      Visit& visit) {
  auto listing = Listing::open(folder);
  if (!listing) return std::unexpected(listing.error());
  while (true) {
    auto entry = (*listing)->next();
    if (!entry) return std::unexpected(entry.error());
    if (!*entry) return {};
    std::string path = prefix + (*entry)->name;
    if ((*entry)->type == S_IFREG) {
      visit(std::move(path));
    } else if ((*entry)->type == S_IFDIR && (*entry)->name.ends_with('+') && depth < kDeepest) {
      auto inside = open_folder(folder, (*entry)->name);
      if (!inside && inside.error().value == ENOENT) continue;
      if (!inside) return std::unexpected(inside.error());
      if (auto done = each_object(**inside, path + "/", depth + 1, visit); !done) return done;
    }
  }
}

// Whatever is in it, as far as it may be removed.
void remove_all(const files::Node& folder, const std::string& name, int depth) {
  if (auto inside = open_folder(folder, name); inside && depth < kDeepest) {
    if (auto listing = Listing::open(**inside)) {
      while (true) {
        auto entry = (*listing)->next();
        if (!entry || !*entry) break;
        if ((*entry)->type == S_IFDIR) {
          remove_all(**inside, (*entry)->name, depth + 1);
        } else {
          (void)(*inside)->unlink_at((*entry)->name);
        }
      }
    }
  }
  (void)folder.remove_folder_at(name);
}

}  // namespace

Error to_error(std::string_view what, Errno why) {
  const auto code = why.value == ENOSPC || why.value == EDQUOT || why.value == EFBIG
                        ? ErrorCode::LimitExceeded
                        : ErrorCode::Io;
  return {code, fmt::format("{}: {}", what, std::strerror(why.value)), {}, why.value};
}

namespace {

std::unexpected<Error> failed(std::string_view what, Errno why) {
  return std::unexpected(to_error(what, why));
}

}  // namespace

Result<std::shared_ptr<StoreFolder>> StoreFolder::open(const std::string& path,
                                                       Durability durability) {
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
    const int why = errno;
    const std::string parent = std::filesystem::path(path).parent_path().string();
    if (why == ENOENT) {
      return std::unexpected(
          Error{ErrorCode::NotFound,
                fmt::format("the folder '{}' cannot be made: '{}' is not there", path, parent),
                fmt::format("create it (mkdir -p '{}'), or name another folder", parent)});
    }
    return std::unexpected(to_error(fmt::format("the folder '{}' cannot be made", path), {why}));
  }
  UNBOLT_ASSIGN(auto root, files::Node::open(path, files::Access::ReadWrite));
  std::shared_ptr<StoreFolder> store(new StoreFolder(std::move(root), durability));
  if (auto made = store->root_->make_folder_at(kDrafts); !made && made.error().value != EEXIST) {
    return std::unexpected(
        to_error(fmt::format("nothing can be written to the folder '{}'", path), made.error())
            .with_hint("make it writable for this user"));
  }
  store->remove_leftovers();
  return store;
}

std::string StoreFolder::unused_name() {
  return fmt::format("{}/{}-{}", kDrafts, ::getpid(),
                     next_name_.fetch_add(1, std::memory_order_relaxed));
}

// A draft is locked by whoever writes it; who begins one holds the folder's lock until then.
void StoreFolder::remove_leftovers() {
  const auto drafts = open_folder(*root_, kDrafts);
  if (!drafts || ::flock((*drafts)->number(), LOCK_EX) != 0) return;
  auto listing = Listing::open(**drafts);
  if (!listing) return;
  while (true) {
    auto entry = (*listing)->next();
    if (!entry || !*entry) return;
    const std::string& name = (*entry)->name;
    if ((*entry)->type == S_IFDIR) {
      remove_all(**drafts, name, 0);
    } else if (auto file = (*drafts)->open_at(name, {});
               file && ::flock((*file)->number(), LOCK_EX | LOCK_NB) == 0) {
      (void)(*drafts)->unlink_at(name);
    }
  }
}

Result<> StoreFolder::require_container(std::string_view container) {
  UNBOLT_ASSIGN(const bool there, container_exists(container));
  if (there) return {};
  return contracts::no_container(container);
}

// ---- Containers

Result<> StoreFolder::create_container(std::string_view container) {
  const std::string path = to_path(container);
  if (auto made = root_->make_folder_at(path); !made) {
    if (made.error().value == EEXIST)
      return fail(ErrorCode::Conflict, "there is a container of that name already");
    return failed("the container cannot be created", made.error());
  }
  return sync_folders_of(path);
}

Result<std::string> StoreFolder::take_container(std::string_view container) {
  const std::string path = to_path(container);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string taken = unused_name();
    const auto renamed = root_->rename_at(path, *root_, taken);
    if (renamed) {
      UNBOLT_TRY(sync_folders_of(path));
      return taken;
    }
    if (renamed.error().value == EEXIST || renamed.error().value == ENOTEMPTY ||
        renamed.error().value == ENOTDIR)
      continue;  // the name is another program's
    if (renamed.error().value != ENOENT)
      return failed("the container cannot be deleted", renamed.error());
    UNBOLT_ASSIGN(const bool there, container_exists(container));
    if (!there) return std::string();
    (void)root_->make_folder_at(kDrafts);
  }
  return failed("the container cannot be deleted", {EBUSY});
}

void StoreFolder::remove_tree(const std::string& path) { remove_all(*root_, path, 0); }

Result<bool> StoreFolder::container_exists(std::string_view container) {
  const auto info = root_->stat_at(to_path(container), files::Follow::No);
  if (info) return S_ISDIR(info->st_mode);
  if (info.error().value == ENOENT) return false;
  return failed("the container cannot be looked for", info.error());
}

Result<ContainerInfo> StoreFolder::container_info(std::string_view container) {
  const auto folder = open_folder(*root_, to_path(container));
  if (!folder) {
    if (folder.error().value == ENOENT || folder.error().value == ENOTDIR)
      return contracts::no_container(container);
    return failed("the container cannot be opened", folder.error());
  }
  struct statx info{};
  if (::statx((*folder)->number(), "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &info) != 0)
    return failed("the container cannot be asked", {errno});
  // Not every file system knows when a folder was made.
  const auto& time = info.stx_mask & STATX_BTIME ? info.stx_btime : info.stx_mtime;
  return ContainerInfo{seconds_of(time.tv_sec)};
}

Result<NamePage> StoreFolder::list_containers(const std::optional<std::string>& cursor) {
  auto listing = Listing::open(*root_);
  if (!listing) return failed("the containers cannot be listed", listing.error());
  PageOf page(cursor);
  while (true) {
    auto entry = (*listing)->next();
    if (!entry) return failed("the containers cannot be listed", entry.error());
    if (!*entry) return std::move(page).take();
    if ((*entry)->type != S_IFDIR) continue;
    if (auto name = from_path((*entry)->name); name && name->size() <= BlobLimits::kContainerName)
      page.add(std::move(*name));
  }
}

Result<> StoreFolder::clear(std::string_view container) {
  const std::string inside = to_path(container);
  const auto folder = open_folder(*root_, inside);
  if (!folder) return contracts::no_container(container);
  Outcome<> removed;
  auto remove = [&](std::string path) {
    if (!from_path(path)) return;
    if (auto done = (*folder)->unlink_at(path); !done && done.error().value != ENOENT)
      removed = done;
    remove_empty_folders(inside + "/" + path);
  };
  if (auto done = each_object(**folder, "", 0, remove); !done) removed = done;
  if (!removed) return failed("the container cannot be emptied", removed.error());
  return sync_folders_of(inside + "/x");
}

// ---- Objects

Result<NodePointer> StoreFolder::open_object(BlobName name) {
  auto file = root_->open_at(path_of(name), {});
  if (file && (*file)->is_file()) return std::move(*file);
  if (!file && file.error().value != ENOENT)
    return failed("the object cannot be opened", file.error());
  UNBOLT_TRY(require_container(name.container));
  return contracts::no_object(name);
}

Result<ObjectInfo> StoreFolder::info(BlobName name) {
  const auto info = root_->stat_at(path_of(name), files::Follow::No);
  if (info && S_ISREG(info->st_mode)) {
    return ObjectInfo{static_cast<std::uint64_t>(info->st_size), seconds_of(info->st_mtim.tv_sec)};
  }
  if (!info && info.error().value != ENOENT)
    return failed("the object cannot be asked", info.error());
  UNBOLT_TRY(require_container(name.container));
  return contracts::no_object(name);
}

Result<std::unique_ptr<Draft>> StoreFolder::begin(std::string_view container) {
  UNBOLT_TRY(require_container(container));
  Errno why{EEXIST};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto drafts = open_folder(*root_, kDrafts);
    if (!drafts) {
      why = drafts.error();
      (void)root_->make_folder_at(kDrafts);
      continue;
    }
    if (::flock((*drafts)->number(), LOCK_SH) != 0) return failed("no lock", {errno});
    std::string path = unused_name();
    auto file =
        root_->open_at(path, {.create = files::Create::Exclusive, .rights = {.write = true}});
    if (file) {
      // Nobody else has it: it was made just now.
      (void)::flock((*file)->number(), LOCK_EX | LOCK_NB);
      return std::make_unique<Draft>(root_, std::move(path), std::move(*file));
    }
    why = file.error();
    if (why.value != EEXIST && why.value != ENOENT) break;
  }
  return failed("the object cannot be written", why);
}

Result<> StoreFolder::place(const std::string& from, BlobName to) {
  const std::string path = path_of(to);
  Errno why{ENOENT};
  for (int attempt = 0; attempt < kAttempts && why.value == ENOENT; ++attempt) {
    const auto renamed = root_->rename_at(from, *root_, path);
    if (renamed) return sync_folders_of(path);
    why = renamed.error();
    if (why.value != ENOENT) break;
    UNBOLT_TRY(require_container(to.container));
    // The folders of a long name, but not its container.
    for (std::size_t at = path.find('/', path.find('/') + 1); at != path.npos;
         at = path.find('/', at + 1)) {
      (void)root_->make_folder_at(path.substr(0, at));
    }
  }
  return failed("the object cannot be put in its place", why);
}

Result<> StoreFolder::finish(Draft& draft, BlobName name) {
  if (durability_ == Durability::PowerLoss) {
    if (auto synced = draft.file().sync(false); !synced)
      return failed("the object cannot be written to the disk", synced.error());
  }
  UNBOLT_TRY(place(draft.path(), name));
  draft.placed();
  return {};
}

Result<> StoreFolder::remove_many(std::string_view container,
                                  std::span<const std::string> objects) {
  UNBOLT_TRY(require_container(container));
  for (const std::string& object : objects) {
    const std::string path = path_of({container, object});
    if (auto removed = root_->unlink_at(path); !removed && removed.error().value != ENOENT)
      return failed("the object cannot be removed", removed.error());
    remove_empty_folders(path);
  }
  return sync_folders_of(to_path(container) + "/x");
}

Result<> StoreFolder::move(BlobName from, BlobName to) {
  UNBOLT_TRY(require_container(to.container));
  UNBOLT_TRY(info(from));
  const std::string path = path_of(from);
  if (auto placed = place(path, to); !placed) {
    // Somebody else was quicker.
    if (placed.error().system == ENOENT) UNBOLT_TRY(info(from));
    return placed;
  }
  if (path == path_of(to)) return {};
  remove_empty_folders(path);
  return sync_folders_of(to_path(from.container) + "/x");
}

Result<NamePage> StoreFolder::list_objects(std::string_view container,
                                           const std::optional<std::string>& cursor) {
  const auto folder = open_folder(*root_, to_path(container));
  if (!folder) {
    UNBOLT_TRY(require_container(container));
    return failed("the container cannot be listed", folder.error());
  }
  PageOf page(cursor);
  auto add = [&](std::string path) {
    if (auto name = from_path(path); name && name->size() <= BlobLimits::kObjectName)
      page.add(std::move(*name));
  };
  if (auto done = each_object(**folder, "", 0, add); !done)
    return failed("the container cannot be listed", done.error());
  return std::move(page).take();
}

// ---- Folders of long names

void StoreFolder::remove_empty_folders(const std::string& path) {
  const std::size_t container = path.find('/');
  for (std::size_t at = path.rfind('/'); at > container; at = path.rfind('/', at - 1)) {
    if (!root_->remove_folder_at(path.substr(0, at))) return;
  }
}

// What has changed in the folder of `path`, and in those above, which may be new.
Result<> StoreFolder::sync_folders_of(const std::string& path) {
  if (durability_ != Durability::PowerLoss) return {};
  for (std::size_t at = path.rfind('/');; at = path.rfind('/', at - 1)) {
    const bool top = at == path.npos;
    const auto folder = top ? Outcome<NodePointer>(root_) : open_folder(*root_, path.substr(0, at));
    // One that has gone meanwhile has nothing to lose.
    if (folder) {
      if (auto synced = (*folder)->sync(false); !synced)
        return failed("the folder cannot be written to the disk", synced.error());
    }
    // A container was synchronised when it was made.
    if (top || at == path.find('/')) return {};
  }
}

}  // namespace unbolt::providers::blob_files
