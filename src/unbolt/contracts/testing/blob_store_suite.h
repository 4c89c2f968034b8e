// The contract suite of `BlobStore`: a provider is done when it passes. Include it in the
// provider's test and write
//   INSTANTIATE_TEST_SUITE_P(Memory, BlobStoreSuite, ::testing::Values(BlobStoreCase{"memory",
//   make}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/blob_store.h"

namespace unbolt::contracts {

struct BlobStoreCase {
  std::string name;
  // A provider with nothing in it, which takes 64 MiB at least.
  std::function<std::shared_ptr<BlobStore>(BlockingPool&)> make;
};
inline void PrintTo(const BlobStoreCase& provider, std::ostream* out) { *out << provider.name; }

class BlobStoreSuite : public ::testing::TestWithParam<BlobStoreCase> {
 protected:
  void SetUp() override {
    store = GetParam().make(pool);
    good(store->create_container("c"));
  }

  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  // The value, or a failure of the test and an empty one.
  template <class T>
  T good(Reply<Result<T>> reply) {
    Result<T> result = now(std::move(reply));
    EXPECT_TRUE(result) << result.error().message;
    if constexpr (std::is_void_v<T>) {
      return;
    } else {
      return result ? std::move(*result) : T{};
    }
  }
  template <class T>
  std::optional<ErrorCode> code(Reply<Result<T>> reply) {
    Result<T> result = now(std::move(reply));
    if (result) return std::nullopt;
    EXPECT_FALSE(result.error().message.empty());
    return result.error().code;
  }

  void put(std::string_view object, std::string_view value, std::string_view container = "c") {
    auto writer = good(store->write({container, object}));
    ASSERT_TRUE(writer);
    if (!value.empty()) good(writer->write(as_bytes(value)));
    good(writer->finish());
  }
  std::string rest_of(BlobReader& reader, std::size_t limit = SIZE_MAX) {
    std::string text;
    while (true) {
      const ByteView piece = good(reader.next(limit));
      EXPECT_LE(piece.size(), std::min(limit, BlobLimits::kPiece));
      if (piece.empty()) return text;
      text += as_text(piece);
    }
  }
  // Nothing where there is no such object.
  std::optional<std::string> get(std::string_view object, std::string_view container = "c",
                                 BlobRange range = {}) {
    auto reader = now(store->read({container, object}, range));
    if (!reader) {
      EXPECT_EQ(reader.error().code, ErrorCode::NotFound) << reader.error().message;
      return std::nullopt;
    }
    std::string text = rest_of(**reader);
    EXPECT_EQ((*reader)->size(), text.size());
    return text;
  }
  template <class List>
  std::vector<std::string> pages(List list) {
    std::vector<std::string> names;
    std::optional<std::string> cursor;
    do {
      NamePage page = good(list(cursor));
      EXPECT_LE(page.names.size(), BlobLimits::kPageNames);
      names.insert(names.end(), page.names.begin(), page.names.end());
      cursor = page.next;
    } while (cursor && names.size() < 100'000);
    return names;
  }
  std::vector<std::string> objects(std::string_view container = "c") {
    return pages([&](const auto& cursor) { return store->list_objects(container, cursor); });
  }
  std::vector<std::string> containers() {
    return pages([&](const auto& cursor) { return store->list_containers(cursor); });
  }

  asio::io_context loop{1};
  BlockingPool pool{4};
  std::shared_ptr<BlobStore> store;
};

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Every byte of it tells where it stands.
inline std::string long_text(std::size_t size, unsigned seed = 1) {
  std::string text(size, '\0');
  std::uint64_t state = seed;
  for (char& c : text) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(state >> 56);
  }
  return text;
}

// Names of every kind, each as long as a container's may be or shorter.
inline std::vector<std::string> odd_names() {
  return {"a",
          "A",
          " ",
          ".",
          "..",
          "../escape",
          "/etc/passwd",
          "a/b",
          "a/b/c",
          "a/",
          "/",
          "//",
          ".hidden",
          ".tmp",
          "%",
          "%41",
          "a%2Fb",
          "+",
          "a+",
          "~",
          "-",
          "'\";--",
          "\0"s,
          "a\0"s,
          "\xff\xfe",
          "\x7f\n",
          "ключ",
          "鍵",
          "🔑",
          "e\u0301",
          "\u00e9",
          std::string(80, 'x'),
          std::string(80, '/')};
}

TEST_P(BlobStoreSuite, ReadsWhatWasWritten) {
  EXPECT_EQ(get("o"), std::nullopt);
  EXPECT_FALSE(good(store->exists({"c", "o"})));
  put("o", "one");
  EXPECT_EQ(get("o"), "one");
  EXPECT_TRUE(good(store->exists({"c", "o"})));
  put("o", "two, and longer");
  EXPECT_EQ(get("o"), "two, and longer");
  put("o", "");
  EXPECT_EQ(get("o"), "");
  EXPECT_TRUE(good(store->exists({"c", "o"})));
  good(store->remove({"c", "o"}));
  EXPECT_EQ(get("o"), std::nullopt);
  EXPECT_FALSE(good(store->exists({"c", "o"})));
  good(store->remove({"c", "o"}));
}

TEST_P(BlobStoreSuite, SaysWhatItKnowsOfAnObject) {
  const auto seconds = [] {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
  };
  const std::uint64_t before = seconds();
  put("o", "12345");
  const ObjectInfo info = good(store->info({"c", "o"}));
  EXPECT_EQ(info.size, 5u);
  // A file system's clock may stand a tick behind.
  EXPECT_GE(info.created_at + 1, before);
  EXPECT_LE(info.created_at, seconds());
  EXPECT_EQ(code(store->info({"c", "other"})), ErrorCode::NotFound);
  const ContainerInfo container = good(store->container_info("c"));
  EXPECT_GE(container.created_at + 3600, before);
  EXPECT_LE(container.created_at, seconds());
}

TEST_P(BlobStoreSuite, ContainersComeAndGo) {
  EXPECT_TRUE(good(store->container_exists("c")));
  EXPECT_FALSE(good(store->container_exists("d")));
  EXPECT_EQ(code(store->create_container("c")), ErrorCode::Conflict);
  good(store->create_container("d"));
  EXPECT_THAT(containers(), UnorderedElementsAre("c", "d"));
  put("o", "in c", "c");
  put("o", "in d", "d");
  EXPECT_EQ(get("o", "c"), "in c");
  EXPECT_EQ(get("o", "d"), "in d");
  good(store->delete_container("d"));
  good(store->delete_container("d"));
  EXPECT_FALSE(good(store->container_exists("d")));
  EXPECT_EQ(get("o", "d"), std::nullopt);
  EXPECT_EQ(get("o", "c"), "in c");
  good(store->create_container("d"));
  EXPECT_THAT(objects("d"), IsEmpty());
  EXPECT_THAT(containers(), UnorderedElementsAre("c", "d"));
}

TEST_P(BlobStoreSuite, AContainerThatIsNotThereIsAnError) {
  EXPECT_EQ(code(store->container_info("n")), ErrorCode::NotFound);
  EXPECT_EQ(code(store->clear("n")), ErrorCode::NotFound);
  EXPECT_EQ(code(store->read({"n", "o"}, {})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->write({"n", "o"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->exists({"n", "o"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->info({"n", "o"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->remove({"n", "o"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->list_objects("n", std::nullopt)), ErrorCode::NotFound);
  put("o", "v");
  EXPECT_EQ(code(store->copy({"n", "o"}, {"c", "p"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->copy({"c", "o"}, {"n", "p"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->move({"n", "o"}, {"c", "p"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->move({"c", "o"}, {"n", "p"})), ErrorCode::NotFound);
  EXPECT_EQ(get("o"), "v");
  EXPECT_THAT(objects(), ElementsAre("o"));
  EXPECT_THAT(containers(), ElementsAre("c"));
}

TEST_P(BlobStoreSuite, NamesAreBytes) {
  const auto names = odd_names();
  for (const std::string& name : names) put(name, "value of " + name);
  for (const std::string& name : names) EXPECT_EQ(get(name), "value of " + name) << name;
  EXPECT_THAT(objects(), ::testing::UnorderedElementsAreArray(names));
  for (const std::string& name : names) {
    good(store->remove({"c", name}));
    EXPECT_EQ(get(name), std::nullopt) << name;
  }
  EXPECT_THAT(objects(), IsEmpty());

  for (const std::string& name : names) good(store->create_container("_" + name.substr(0, 79)));
  for (const std::string& name : names) put(name, "value of " + name, "_" + name.substr(0, 79));
  for (const std::string& name : names)
    EXPECT_EQ(get(name, "_" + name.substr(0, 79)), "value of " + name) << name;
  good(store->delete_container("c"));
  EXPECT_EQ(containers().size(), names.size());
  for (const std::string& name : names) good(store->delete_container("_" + name.substr(0, 79)));
  for (const std::string& name : names) good(store->create_container(name));
  EXPECT_THAT(containers(), ::testing::UnorderedElementsAreArray(names));
}

TEST_P(BlobStoreSuite, LongNames) {
  std::vector<std::string> names;
  for (std::size_t size :
       {79, 80, 81, 84, 85, 86, 239, 240, 241, 255, 256, 480, 481, 720, 1023, 1024}) {
    names.push_back(std::string(size, 'x'));
    names.push_back(std::string(size - 1, '/') + "y");
    names.push_back(std::string(size, 'x').replace(size - 3, 3, "%+~"));
  }
  for (const std::string& name : names) put(name, "value of " + name);
  for (const std::string& name : names) EXPECT_EQ(get(name), "value of " + name) << name.size();
  EXPECT_THAT(objects(), ::testing::UnorderedElementsAreArray(names));
  std::vector<std::string_view> half;
  for (std::size_t i = 0; i < names.size(); i += 2) half.push_back(names[i]);
  good(store->remove_many("c", half));
  EXPECT_EQ(objects().size(), names.size() - half.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    EXPECT_EQ(get(names[i]).has_value(), i % 2 == 1) << names[i].size();
  good(store->clear("c"));
  EXPECT_THAT(objects(), IsEmpty());
  put(names[0], "again");
  EXPECT_THAT(objects(), ElementsAre(names[0]));
}

TEST_P(BlobStoreSuite, NamesHaveLimits) {
  const std::string long_container(BlobLimits::kContainerName + 1, 'x'),
      long_object(BlobLimits::kObjectName + 1, 'x');
  EXPECT_EQ(code(store->create_container("")), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(store->create_container(long_container)), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(store->container_exists(long_container)), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(store->delete_container("")), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(store->write({"c", ""})), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(store->write({"c", long_object})), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(store->read({"c", long_object}, {})), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(store->remove({"c", long_object})), ErrorCode::LimitExceeded);
  put("o", "v");
  EXPECT_EQ(code(store->copy({"c", "o"}, {"c", long_object})), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(store->move({"c", "o"}, {"c", ""})), ErrorCode::InvalidArgument);
  const std::vector<std::string_view> many(BlobLimits::kBatchNames + 1, "o");
  EXPECT_EQ(code(store->remove_many("c", many)), ErrorCode::LimitExceeded);
  EXPECT_EQ(get("o"), "v");
}

TEST_P(BlobStoreSuite, ReadsRanges) {
  put("o", "0123456789");
  const auto range = [&](std::uint64_t offset, std::uint64_t length) {
    return get("o", "c", {offset, length});
  };
  EXPECT_EQ(range(0, 10), "0123456789");
  EXPECT_EQ(range(3, 4), "3456");
  EXPECT_EQ(range(9, 1), "9");
  EXPECT_EQ(range(9, 100), "9");
  EXPECT_EQ(range(5, UINT64_MAX), "56789");
  EXPECT_EQ(range(0, 0), "");
  EXPECT_EQ(range(10, 1), "");
  EXPECT_EQ(range(UINT64_MAX, UINT64_MAX), "");
  auto reader = good(store->read({"c", "o"}, {2, 7}));
  EXPECT_EQ(reader->size(), 7u);
  EXPECT_EQ(rest_of(*reader, 3), "2345678");
  EXPECT_EQ(rest_of(*reader), "");
}

// 40 MiB in pieces of odd sizes.
TEST_P(BlobStoreSuite, LargeObjectsGoThroughInPieces) {
  constexpr std::size_t kSize = 40 << 20;
  const std::string text = long_text((1 << 20) + 7);
  auto writer = good(store->write({"c", "large"}));
  std::size_t written = 0;
  for (std::size_t step = 1; written < kSize; step = step * 3 % 1'048'573) {
    const std::size_t from = written % text.size();
    const auto part = std::string_view(text).substr(from, std::min(step, kSize - written));
    good(writer->write(as_bytes(part)));
    written += part.size();
  }
  EXPECT_FALSE(good(store->exists({"c", "large"})));
  good(writer->finish());
  EXPECT_EQ(good(store->info({"c", "large"})).size, kSize);
  const auto expect = [&](std::uint64_t offset, std::uint64_t length, std::size_t limit) {
    auto reader = good(store->read({"c", "large"}, {offset, length}));
    std::uint64_t at = offset;
    while (true) {
      const ByteView piece = good(reader->next(limit));
      if (piece.empty()) break;
      for (ByteView rest = piece; !rest.empty();) {
        const std::size_t from = at % text.size();
        const std::size_t count = std::min(rest.size(), text.size() - from);
        ASSERT_EQ(as_text(rest.first(count)), std::string_view(text).substr(from, count)) << at;
        rest = rest.subspan(count);
        at += count;
      }
    }
    EXPECT_EQ(at, std::min<std::uint64_t>(kSize, offset + length));
  };
  expect(0, kSize, SIZE_MAX);
  expect(BlobLimits::kPiece - 1, 2 * BlobLimits::kPiece + 2, 100'000);
  expect(kSize - 10, 100, 3);
}

TEST_P(BlobStoreSuite, AnObjectIsNotSeenBeforeItIsFinished) {
  put("o", "old");
  auto writer = good(store->write({"c", "o"})), fresh = good(store->write({"c", "fresh"}));
  good(writer->write(as_bytes("new")));
  good(fresh->write(as_bytes("new")));
  EXPECT_EQ(get("o"), "old");
  EXPECT_EQ(get("fresh"), std::nullopt);
  EXPECT_THAT(objects(), ElementsAre("o"));
  good(writer->finish());
  good(fresh->finish());
  EXPECT_EQ(get("o"), "new");
  EXPECT_THAT(objects(), UnorderedElementsAre("o", "fresh"));
}

TEST_P(BlobStoreSuite, AWriteThatIsGivenUpLeavesTheOldObject) {
  put("o", "old");
  for (int i = 0; i < 3; ++i) {
    auto writer = good(store->write({"c", "o"})), fresh = good(store->write({"c", "fresh"}));
    good(writer->write(as_bytes(long_text(1 << 20))));
    good(fresh->write(as_bytes("new")));
  }
  EXPECT_EQ(get("o"), "old");
  EXPECT_THAT(objects(), ElementsAre("o"));
}

TEST_P(BlobStoreSuite, OfTwoWritersTheLastToFinishStays) {
  auto one = good(store->write({"c", "o"})), two = good(store->write({"c", "o"}));
  good(one->write(as_bytes("1111")));
  good(two->write(as_bytes("22")));
  good(one->write(as_bytes("11")));
  good(two->finish());
  EXPECT_EQ(get("o"), "22");
  good(one->finish());
  EXPECT_EQ(get("o"), "111111");
}

TEST_P(BlobStoreSuite, AReaderKeepsWhatItOpened) {
  const std::string old = long_text(700'000);
  put("o", old);
  auto replaced = good(store->read({"c", "o"}, {}));
  EXPECT_EQ(as_text(good(replaced->next(10))), old.substr(0, 10));
  put("o", "new");
  auto removed = good(store->read({"c", "o"}, {}));
  good(store->remove({"c", "o"}));
  put("o", "again");
  auto deleted = good(store->read({"c", "o"}, {}));
  good(store->delete_container("c"));
  EXPECT_EQ(rest_of(*replaced), old.substr(10));
  EXPECT_EQ(rest_of(*removed), "new");
  EXPECT_EQ(rest_of(*deleted), "again");
}

TEST_P(BlobStoreSuite, AWriterOfAContainerThatWentFails) {
  auto writer = good(store->write({"c", "o"}));
  good(writer->write(as_bytes("v")));
  good(store->delete_container("c"));
  EXPECT_EQ(code(writer->finish()), ErrorCode::NotFound);
  EXPECT_THAT(containers(), IsEmpty());
}

TEST_P(BlobStoreSuite, CopiesAndMoves) {
  good(store->create_container("d"));
  put("o", "value");
  good(store->copy({"c", "o"}, {"c", "p"}));
  good(store->copy({"c", "o"}, {"d", "o"}));
  EXPECT_EQ(get("p"), "value");
  EXPECT_EQ(get("o", "d"), "value");
  put("o", "other");
  EXPECT_EQ(get("p"), "value");
  good(store->copy({"c", "o"}, {"d", "o"}));
  EXPECT_EQ(get("o", "d"), "other");

  good(store->move({"c", "p"}, {"d", "o"}));
  EXPECT_EQ(get("p"), std::nullopt);
  EXPECT_EQ(get("o", "d"), "value");
  const std::string far = "a/far/name" + std::string(500, '/');
  good(store->move({"d", "o"}, {"c", far}));
  EXPECT_EQ(get(far), "value");
  EXPECT_THAT(objects("d"), IsEmpty());

  good(store->copy({"c", "o"}, {"c", "o"}));
  good(store->move({"c", "o"}, {"c", "o"}));
  EXPECT_EQ(get("o"), "other");
  EXPECT_EQ(code(store->copy({"c", "none"}, {"c", "o"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->move({"c", "none"}, {"c", "o"})), ErrorCode::NotFound);
  EXPECT_EQ(code(store->move({"c", "none"}, {"c", "none"})), ErrorCode::NotFound);
  EXPECT_EQ(get("o"), "other");

  const std::string large = long_text(3 << 20);
  put("large", large);
  good(store->copy({"c", "large"}, {"d", "large"}));
  good(store->remove({"c", "large"}));
  EXPECT_EQ(get("large", "d"), large);
}

TEST_P(BlobStoreSuite, RemovesManyAndClears) {
  for (const char* name : {"a", "b", "c", "d"}) put(name, name);
  std::string_view names[] = {"a", "nobody", "c", "a"};
  good(store->remove_many("c", names));
  good(store->remove_many("c", {}));
  EXPECT_THAT(objects(), UnorderedElementsAre("b", "d"));
  good(store->clear("c"));
  EXPECT_THAT(objects(), IsEmpty());
  EXPECT_TRUE(good(store->container_exists("c")));
  good(store->clear("c"));
  put("a", "again");
  EXPECT_THAT(objects(), ElementsAre("a"));
}

TEST_P(BlobStoreSuite, ListingIsPagedAndStableWhileOthersWrite) {
  std::set<std::string> stay;
  for (int i = 0; i < 1300; ++i) {
    const std::string name = "k" + std::to_string(10'000 + i);
    put(name, "v");
    if (i % 2 == 0) stay.insert(name);
  }
  std::vector<std::string> listed;
  std::optional<std::string> cursor;
  int page_number = 0;
  do {
    NamePage page = good(store->list_objects("c", cursor));
    EXPECT_LE(page.names.size(), BlobLimits::kPageNames);
    listed.insert(listed.end(), page.names.begin(), page.names.end());
    cursor = page.next;
    if (page_number == 0) {
      std::vector<std::string> names;
      for (int i = 1; i < 1300; i += 2) names.push_back("k" + std::to_string(10'000 + i));
      const std::vector<std::string_view> views(names.begin(), names.end());
      good(store->remove_many("c", views));
    }
    for (int i = 0; i < 5; ++i) put("new" + std::to_string(page_number * 10 + i), "v");
    for (int i = 0; i < 5; ++i) put("a" + std::to_string(page_number * 10 + i), "v");
    put(*stay.begin(), "another value");
  } while (cursor && ++page_number < 20);
  const std::set<std::string> once(listed.begin(), listed.end());
  EXPECT_EQ(once.size(), listed.size()) << "an object was listed twice";
  for (const std::string& name : stay) EXPECT_TRUE(once.contains(name)) << name;
}

TEST_P(BlobStoreSuite, AnyStringMayComeInAsACursor) {
  put("m", "v");
  for (std::string_view cursor : {""s, "\0"s, "m"s, "zzz"s, "\xff\xff"s, "../.."s}) {
    EXPECT_LE(good(store->list_objects("c", cursor)).names.size(), 1u);
    EXPECT_LE(good(store->list_containers(cursor)).names.size(), 1u);
  }
  EXPECT_EQ(code(store->list_objects("c", std::string(2000, 'x'))), ErrorCode::LimitExceeded);
}

// Readers see one writer's object or another's, never a mixture.
TEST_P(BlobStoreSuite, ConcurrentWritersAreNotSeenInParts) {
  constexpr int kRounds = 15;
  auto writer = [](BlobStore& store, char letter) -> Task<> {
    const std::string part(100'000, letter);
    for (int i = 0; i < kRounds; ++i) {
      auto to = co_await store.write({"c", "o"}).wait();
      EXPECT_TRUE(to);
      for (int n = 0; n < 4; ++n) EXPECT_TRUE(co_await (*to)->write(as_bytes(part)).wait());
      EXPECT_TRUE(co_await (*to)->finish().wait());
    }
  };
  auto reader = [](BlobStore& store) -> Task<> {
    for (int i = 0; i < kRounds; ++i) {
      auto from = co_await store.read({"c", "o"}, {}).wait();
      if (!from) continue;
      std::string all;
      while (true) {
        auto piece = co_await (*from)->next(70'000).wait();
        EXPECT_TRUE(piece);
        if (!piece || piece->empty()) break;
        all += as_text(*piece);
      }
      EXPECT_EQ(all.size(), 400'000u);
      EXPECT_EQ(all.find_first_not_of(all[0]), std::string::npos);
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      asio::io_context own(1);
      auto ended = [](std::exception_ptr failure) { EXPECT_FALSE(failure); };
      asio::co_spawn(own, writer(*store, static_cast<char>('a' + i)), ended);
      asio::co_spawn(own, reader(*store), ended);
      own.run();
    });
  }
}

// Of several that create one container, one has made it.
TEST_P(BlobStoreSuite, AContainerIsCreatedOnce) {
  std::atomic<int> made = 0;
  auto create = [](BlobStore& store, std::atomic<int>& made) -> Task<> {
    for (int i = 0; i < 20; ++i) {
      if (co_await store.create_container("n" + std::to_string(i)).wait()) ++made;
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      asio::io_context own(1);
      asio::co_spawn(own, create(*store, made),
                     [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
      own.run();
    });
  }
  threads.clear();
  EXPECT_EQ(made, 20);
}

// The task of a call, a reader and a writer outlive the last pointer to their provider: a swap
// drops it while they are in use.
TEST_P(BlobStoreSuite, StreamsOutliveTheProvider) {
  put("o", "value");
  auto reader = good(store->read({"c", "o"}, {}));
  auto writer = good(store->write({"c", "p"}));
  auto info = store->info({"c", "o"});
  auto removed = store->remove({"c", "o"});
  store.reset();
  EXPECT_EQ(now(std::move(info))->size, 5u);
  EXPECT_TRUE(now(std::move(removed)));
  EXPECT_EQ(rest_of(*reader), "value");
  good(writer->write(as_bytes("v")));
  good(writer->finish());
}

}  // namespace unbolt::contracts
