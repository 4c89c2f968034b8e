#include "unbolt/providers/blob_files/blob_files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>

#include "unbolt/contracts/testing/blob_store_suite.h"
#include "unbolt/files/testing/scratch.h"

namespace unbolt::providers {
namespace {

using blob_files::Durability;
using contracts::BlobStore;
using files::testing::Scratch;
namespace fs = std::filesystem;

// A folder a case, below one that goes when the program ends.
std::shared_ptr<BlobStore> in_a_new_folder(BlockingPool& pool) {
  static const Scratch scratch;
  static std::atomic<int> number = 0;
  auto store =
      make_blob_files({(scratch / std::to_string(++number)).string(), Durability::Crash}, pool);
  EXPECT_TRUE(store) << store.error().message;
  return std::move(*store);
}

}  // namespace
}  // namespace unbolt::providers

namespace unbolt::contracts {

INSTANTIATE_TEST_SUITE_P(Files, BlobStoreSuite,
                         ::testing::Values(BlobStoreCase{"files", [](BlockingPool& pool) {
                                                           return providers::in_a_new_folder(pool);
                                                         }}));

}  // namespace unbolt::contracts

namespace unbolt::providers {
namespace {

class BlobFiles : public ::testing::Test {
 protected:
  template <class T>
  T now(Reply<T> reply) {
    return run_task(loop, std::move(reply).wait());
  }
  std::shared_ptr<BlobStore> open() {
    auto store = make_blob_files({(scratch / "store").string(), Durability::Crash}, pool);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  Result<> put(BlobStore& store, std::string_view name, std::string_view value) {
    UNBOLT_ASSIGN(auto writer, now(store.write({"c", name})));
    UNBOLT_TRY(now(writer->write(as_bytes(value))));
    return now(writer->finish());
  }
  Result<std::string> get(BlobStore& store, std::string_view name) {
    UNBOLT_ASSIGN(auto reader, now(store.read({"c", name}, {})));
    UNBOLT_ASSIGN(auto piece, now(reader->next(1000)));
    return std::string(as_text(piece));
  }
  std::size_t drafts() {
    const auto folder = fs::directory_iterator(scratch / "store/.tmp");
    return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
  }

  Scratch scratch;
  asio::io_context loop{1};
  BlockingPool pool{2};
};

TEST_F(BlobFiles, AFolderIsAContainerAndAFileAnObject) {
  auto store = open();
  ASSERT_TRUE(now(store->create_container("my photos")));
  auto writer = now(store->write({"my photos", "a/b.jpg"}));
  ASSERT_TRUE(writer && now((*writer)->write(as_bytes("bytes"))) && now((*writer)->finish()));
  EXPECT_EQ(scratch.read("store/my%20photos/a%2Fb.jpg"), "bytes");

  // What others put there is there.
  fs::create_directory(scratch / "store/c");
  scratch.write("store/c/o", "from outside");
  EXPECT_EQ(*get(*store, "o"), "from outside");
  EXPECT_EQ(now(store->list_containers(std::nullopt))->names.size(), 2u);
}

TEST_F(BlobFiles, WhatIsNoNameIsNotListed) {
  auto store = open();
  ASSERT_TRUE(now(store->create_container("c")));
  scratch.write("store/c/not a name", "x");
  scratch.write("store/c/.hidden", "x");
  scratch.write("store/file", "x");
  fs::create_directory(scratch / "store/c/folder");
  fs::create_directory(scratch / "store/not a name");
  ASSERT_TRUE(put(*store, "o", "v"));
  EXPECT_EQ(now(store->list_objects("c", std::nullopt))->names, std::vector<std::string>{"o"});
  EXPECT_EQ(now(store->list_containers(std::nullopt))->names, std::vector<std::string>{"c"});
  EXPECT_EQ(get(*store, "folder").error().code, ErrorCode::NotFound);
  EXPECT_FALSE(*now(store->container_exists("file")));
  ASSERT_TRUE(now(store->clear("c")));
  EXPECT_EQ(scratch.read("store/c/not a name"), "x");
}

TEST_F(BlobFiles, LinksLeadNowhere) {
  auto store = open();
  scratch.write("secret", "outside");
  ASSERT_TRUE(now(store->create_container("c")));
  fs::create_symlink(scratch / "secret", scratch / "store/c/file");
  fs::create_symlink("../../secret", scratch / "store/c/relative");
  fs::create_directory_symlink(scratch.path(), scratch / "store/d");
  EXPECT_FALSE(get(*store, "file"));
  EXPECT_FALSE(get(*store, "relative"));
  EXPECT_FALSE(now(store->read({"d", "secret"}, {})));
  EXPECT_FALSE(*now(store->container_exists("d")));
  // A link is replaced, not followed.
  ASSERT_TRUE(put(*store, "file", "new"));
  EXPECT_EQ(*get(*store, "file"), "new");
  EXPECT_EQ(scratch.read("secret"), "outside");
}

TEST_F(BlobFiles, FoldersOfLongNamesGoWithTheirLastObject) {
  auto store = open();
  ASSERT_TRUE(now(store->create_container("c")));
  const std::string one(1000, 'x'), two = std::string(999, 'x') + "y";
  ASSERT_TRUE(put(*store, one, "1") && put(*store, two, "2"));
  ASSERT_TRUE(now(store->remove({"c", one})));
  EXPECT_EQ(*get(*store, two), "2");
  ASSERT_TRUE(now(store->move({"c", two}, {"c", "short"})));
  const auto left = fs::directory_iterator(scratch / "store/c");
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
}

TEST_F(BlobFiles, LeftoversGoAndDraftsOfOthersStay) {
  auto store = open();
  ASSERT_TRUE(now(store->create_container("c")));
  auto writer = now(store->write({"c", "o"}));
  ASSERT_TRUE(writer && now((*writer)->write(as_bytes("half"))));
  scratch.write("store/.tmp/12345-0", "of a program that was killed");
  fs::create_directories(scratch / "store/.tmp/12345-1/x+/y+");
  scratch.write("store/.tmp/12345-1/x+/o", "of a container that was being deleted");
  EXPECT_EQ(drafts(), 3u);
  auto other = open();
  EXPECT_EQ(drafts(), 1u);
  ASSERT_TRUE(now((*writer)->write(as_bytes(" and half"))) && now((*writer)->finish()));
  EXPECT_EQ(*get(*other, "o"), "half and half");
  EXPECT_EQ(drafts(), 0u);
  // Its folder may go at any time.
  fs::remove(scratch / "store/.tmp");
  ASSERT_TRUE(put(*other, "p", "v"));
  ASSERT_TRUE(now(other->delete_container("c")));
}

TEST_F(BlobFiles, SynchronisesToTheDisk) {
  auto opened = make_blob_files({(scratch / "store").string(), Durability::PowerLoss}, pool);
  ASSERT_TRUE(opened);
  BlobStore& store = **opened;
  ASSERT_TRUE(now(store.create_container("c")));
  const std::string far(600, 'x');
  ASSERT_TRUE(put(store, "o", "v") && put(store, far, "w"));
  ASSERT_TRUE(now(store.copy({"c", "o"}, {"c", "copy"})));
  ASSERT_TRUE(now(store.move({"c", far}, {"c", far + "/moved"})));
  EXPECT_EQ(*get(store, far + "/moved"), "w");
  ASSERT_TRUE(now(store.remove({"c", "o"})));
  ASSERT_TRUE(now(store.clear("c")));
  ASSERT_TRUE(now(store.delete_container("c")));
}

TEST_F(BlobFiles, AFullDiskIsALimit) {
  const rlimit small{.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto store = open();
  ASSERT_TRUE(now(store->create_container("c")));
  ASSERT_TRUE(put(*store, "o", "old"));
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto full = put(*store, "o", std::string(2 << 20, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::LimitExceeded) << full.error().message;
  EXPECT_EQ(*get(*store, "o"), "old");
}

TEST_F(BlobFiles, OpensByUrl) {
  contracts::ProviderContext context{stderr_log(), pool};
  contracts::ProviderTable<BlobStore> table({{"file", open_blob_files}});
  const std::string folder = (scratch / "by url").string();
  EXPECT_TRUE(table.open("file:" + folder, context));
  EXPECT_TRUE(fs::is_directory(folder));
  EXPECT_TRUE(table.open("file://" + folder + "?sync=off", context));
  EXPECT_EQ(table.open("file:", context).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(table.open("file://data", context).error().hint, "did you mean file:data?");
  EXPECT_EQ(table.open("file:" + folder + "?sync=no", context).error().code,
            ErrorCode::InvalidArgument);
  EXPECT_EQ(table.open("file:" + folder + "/a/b", context).error().code, ErrorCode::NotFound);
  scratch.write("file", "x");
  EXPECT_FALSE(table.open("file:" + (scratch / "file").string(), context));
}

}  // namespace
}  // namespace unbolt::providers
