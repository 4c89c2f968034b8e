#include "unbolt/providers/blob_files/names.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace unbolt::providers::blob_files {
namespace {

TEST(BlobNames, StandAsTheyAreWhereTheyCan) {
  EXPECT_EQ(to_path("photo-1_B.jpg"), "photo-1_B.jpg");
  EXPECT_EQ(to_path("a/b c"), "a%2Fb%20c");
  EXPECT_EQ(to_path(".."), "%2E.");
  EXPECT_EQ(to_path(".tmp"), "%2Etmp");
  EXPECT_EQ(to_path("%2F"), "%252F");
  EXPECT_EQ(to_path("é"), "%C3%A9");
  EXPECT_EQ(to_path("a+"), "a%2B");
}

TEST(BlobNames, LongOnesTakeSeveralFolders) {
  const std::string path = to_path(std::string(500, '.'));
  EXPECT_EQ(path.substr(230, 20), "........+/%2E.......");
  for (std::size_t size = 1; size <= 1024; ++size) {
    for (char c : {'x', '.', '/'}) {
      const std::string name(size, c);
      EXPECT_EQ(from_path(to_path(name)), name);
    }
  }
}

TEST(BlobNames, ArePathsOfTheirOwn) {
  std::mt19937 random(1);
  std::set<std::string> names, paths;
  for (int i = 0; i < 20'000; ++i) {
    std::string name(random() % 300 + 1, '\0');
    for (char& c : name)
      c = random() % 2 ? "./%+\\a\xff"[random() % 7] : static_cast<char>(random());
    const std::string path = to_path(name);
    EXPECT_EQ(from_path(path), name);
    names.insert(name);
    paths.insert(path);
    for (std::size_t at = 0, end; at <= path.size(); at = end + 1) {
      end = std::min(path.find('/', at), path.size());
      ASSERT_LE(end - at, 241u);
      ASSERT_NE(end, at);
      ASSERT_NE(path[at], '.');
      // A folder's name ends in +, a file's never does.
      ASSERT_EQ(path[end - 1] == '+', end < path.size()) << path;
    }
  }
  EXPECT_EQ(names.size(), paths.size());
}

TEST(BlobNames, OtherPathsAreNobodys) {
  for (const char* path : {"", ".", "..", ".tmp", "a/b", "a+/b", "a b", "%", "%2", "%2f", "%41",
                           "a%", "+", "a+", "/", "é"})
    EXPECT_EQ(from_path(path), std::nullopt) << path;
}

}  // namespace
}  // namespace unbolt::providers::blob_files
