// The blob-store capability: containers of objects, which may be larger than memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"

namespace unbolt::contracts {

// What every provider takes and none exceeds; beyond it the answer is LimitExceeded and nothing has
// changed.
struct BlobLimits {
  // In bytes. A container's name fits in a file name, however it has to be written there.
  static constexpr std::size_t kContainerName = 80;
  static constexpr std::size_t kObjectName = 1024;
  // Names in one page of a listing, and in one call to `remove_many`.
  static constexpr std::size_t kPageNames = 1000;
  static constexpr std::size_t kBatchNames = 65'536;
  // What one `next` brings at most.
  static constexpr std::size_t kPiece = 256 << 10;
};

struct BlobName {
  std::string_view container, object;
};

// What of an object is read. Cut at the object's end: what lies behind it is no error.
struct BlobRange {
  std::uint64_t offset = 0;
  std::uint64_t length = UINT64_MAX;
};

struct ObjectInfo {
  std::uint64_t size = 0;
  std::uint64_t created_at = 0;  // seconds since 1970
};

struct ContainerInfo {
  std::uint64_t created_at = 0;
};

// A page of names; `next` continues the listing, and is absent on the last page.
struct NamePage {
  std::vector<std::string> names;
  std::optional<std::string> next;
};

// The bytes of an object as it was when it was opened, whatever becomes of it or its provider since
// then. One call at a time, each on any loop; the task of a call ends before the reader does.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  // Of the range.
  virtual std::uint64_t size() const = 0;
  // The next bytes, between 1 and `limit` and kPiece; none at the end. Valid until the next call.
  virtual Reply<Result<ByteView>> next(std::size_t limit) = 0;
};

// An object on its way in. Nobody sees anything of it before `finish`; dropped without that, it was
// never there. One call at a time, each on any loop; the task of a call ends before the writer
// does.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  // Answers when the provider has room for more: that is the back-pressure. `bytes` hold until the
  // answer. After a failure only the destructor may be called.
  virtual Reply<Result<>> write(ByteView bytes) = 0;
  // Puts the object in place, of the old one if there is one: others see all of the old or all of
  // the new. NotFound where its container has gone meanwhile. The last call.
  virtual Reply<Result<>> finish() = 0;
};

// What a provider of `wasi:blobstore` implements. Shared by all loops of the program: every
// function is thread-safe.
//
// Arguments hold until the function returns, not until its task has ended. A later answer completes
// on the loop that awaits it; a task that is cancelled may or may not have had its effect, and one
// that was never awaited has none.
//
// Names are bytes, any but none at all (InvalidArgument). A container has to be created before it
// is used: NotFound where it is not there, for every function that names an object or lists them. A
// caller sees what was answered as done before, on any loop; what survives the program's end, the
// provider says.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // ---- Containers

  // Conflict where it is there already.
  virtual Reply<Result<>> create_container(std::string_view container) = 0;
  // With all that is in it. Deleting what is not there is no error.
  virtual Reply<Result<>> delete_container(std::string_view container) = 0;
  virtual Reply<Result<bool>> container_exists(std::string_view container) = 0;
  virtual Reply<Result<ContainerInfo>> container_info(std::string_view container) = 0;
  // In a stable order; see `list_objects`.
  virtual Reply<Result<NamePage>> list_containers(std::optional<std::string_view> cursor) = 0;
  // Removes all its objects.
  virtual Reply<Result<>> clear(std::string_view container) = 0;

  // ---- Objects

  // NotFound where there is no such object. Never null.
  virtual Reply<Result<std::unique_ptr<BlobReader>>> read(BlobName name, BlobRange range) = 0;
  virtual Reply<Result<std::unique_ptr<BlobWriter>>> write(BlobName name) = 0;
  virtual Reply<Result<bool>> exists(BlobName name) = 0;
  // NotFound where there is no such object.
  virtual Reply<Result<ObjectInfo>> info(BlobName name) = 0;
  // Removing what is not there is no error.
  virtual Reply<Result<>> remove_many(std::string_view container,
                                      std::span<const std::string_view> objects) = 0;
  Reply<Result<>> remove(BlobName name) { return remove_many(name.container, {&name.object, 1}); }
  // To another name, in the same container or another, in place of what is there. `move` takes the
  // object away from where it was, at once; neither changes anything where the two are the same.
  virtual Reply<Result<>> copy(BlobName from, BlobName to) = 0;
  virtual Reply<Result<>> move(BlobName from, BlobName to) = 0;
  // Names in a stable order, at most a page of them. `cursor` is `next` of the page before; it
  // stays good while others write: an object that was there all along is listed once, one that came
  // or went meanwhile at most once. Any string may come in; a made-up one lists some part of them.
  virtual Reply<Result<NamePage>> list_objects(std::string_view container,
                                               std::optional<std::string_view> cursor) = 0;
};

// For providers: the arguments against the limits, so that all refuse with the same words.
Result<> check_container_name(std::string_view container);
Result<> check_blob_name(BlobName name);
Result<> check_blob_names(std::string_view container, std::span<const std::string_view> objects);
Result<> check_blob_cursor(std::optional<std::string_view> cursor);
// The same for what is not there.
[[nodiscard]] std::unexpected<Error> no_container(std::string_view container);
[[nodiscard]] std::unexpected<Error> no_object(BlobName name);

}  // namespace unbolt::contracts
