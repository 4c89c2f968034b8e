// Moving the data of a blob store to another one while calls go on.
#pragma once

#include <memory>

#include "unbolt/contracts/blob_store.h"
#include "unbolt/contracts/handover.h"

namespace unbolt::contracts {

// What KeyValueHandover is for key-value stores, with the same promises: buckets are containers,
// keys are objects.
//
// A reader reads the object it opened, in the store where that was. A writer that was opened before
// the cut-over does not hold it up: an object that it finishes after that is copied before it is
// answered. Times of creation are those of the new store.
class BlobHandover final : public BlobStore {
 public:
  BlobHandover(std::shared_ptr<BlobStore> old, std::shared_ptr<BlobStore> next);
  ~BlobHandover() override;

  // As KeyValueHandover's. Existing::Refuse: a store with any container is refused.
  Task<Result<CopyReport>> copy(HandoverOptions options);
  CopyReport report() const;
  bool handed_over() const;

  Reply<Result<>> create_container(std::string_view container) override;
  Reply<Result<>> delete_container(std::string_view container) override;
  Reply<Result<bool>> container_exists(std::string_view container) override;
  Reply<Result<ContainerInfo>> container_info(std::string_view container) override;
  Reply<Result<NamePage>> list_containers(std::optional<std::string_view> cursor) override;
  Reply<Result<>> clear(std::string_view container) override;
  Reply<Result<std::unique_ptr<BlobReader>>> read(BlobName name, BlobRange range) override;
  Reply<Result<std::unique_ptr<BlobWriter>>> write(BlobName name) override;
  Reply<Result<bool>> exists(BlobName name) override;
  Reply<Result<ObjectInfo>> info(BlobName name) override;
  Reply<Result<>> remove_many(std::string_view container,
                              std::span<const std::string_view> objects) override;
  Reply<Result<>> copy(BlobName from, BlobName to) override;
  Reply<Result<>> move(BlobName from, BlobName to) override;
  Reply<Result<NamePage>> list_objects(std::string_view container,
                                       std::optional<std::string_view> cursor) override;

  struct State;

 private:
  std::shared_ptr<State> state_;  // shared with tasks
};

}  // namespace unbolt::contracts
