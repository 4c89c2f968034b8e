#include "unbolt/contracts/blob_store.h"

#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

constexpr std::size_t kShown = 80;

Result<> check_name(std::string_view what, std::string_view name, std::size_t limit) {
  if (name.empty()) return fail(ErrorCode::InvalidArgument, "{} without a name", what);
  if (name.size() <= limit) return {};
  return fail(ErrorCode::LimitExceeded, "{} name of {} bytes: at most {} are allowed", what,
              name.size(), limit);
}

Result<> check_object_name(std::string_view object) {
  return check_name("an object", object, BlobLimits::kObjectName);
}

}  // namespace

Result<> check_container_name(std::string_view container) {
  return check_name("a container", container, BlobLimits::kContainerName);
}

Result<> check_blob_name(BlobName name) {
  UNBOLT_TRY(check_container_name(name.container));
  return check_object_name(name.object);
}

Result<> check_blob_names(std::string_view container, std::span<const std::string_view> objects) {
  UNBOLT_TRY(check_container_name(container));
  if (objects.size() > BlobLimits::kBatchNames) {
    return fail(ErrorCode::LimitExceeded, "{} objects in one call: at most {} are allowed",
                objects.size(), BlobLimits::kBatchNames);
  }
  for (std::string_view object : objects) UNBOLT_TRY(check_object_name(object));
  return {};
}

Result<> check_blob_cursor(std::optional<std::string_view> cursor) {
  if (!cursor || cursor->size() <= BlobLimits::kObjectName) return {};
  return fail(ErrorCode::LimitExceeded, "a cursor of {} bytes, longer than any name",
              cursor->size());
}

std::unexpected<Error> no_container(std::string_view container) {
  return fail(ErrorCode::NotFound, "there is no container '{}'", printable(container, kShown));
}

std::unexpected<Error> no_object(BlobName name) {
  return fail(ErrorCode::NotFound, "there is no object '{}' in the container '{}'",
              printable(name.object, kShown), printable(name.container, kShown));
}

}  // namespace unbolt::contracts
