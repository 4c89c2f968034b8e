#include "unbolt/identity/key_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace unbolt::identity {
namespace {

namespace fs = std::filesystem;

class KeyStores : public testing::Test {
 protected:
  KeyStores() {
    std::string name = testing::TempDir() + "keysXXXXXX";
    top_ = ::mkdtemp(name.data());
  }
  ~KeyStores() override { fs::remove_all(top_); }
  static mode_t mode(const fs::path& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }
  fs::path top_;
};

TEST_F(KeyStores, KeepsKeysForTheirOwnerOnly) {
  const KeyStore store(top_ / "data" / "keys");
  EXPECT_TRUE(store.list()->empty());
  const auto key = KeyPair::generate(KeyKind::Account);
  const mode_t before = ::umask(0);
  const auto added = store.add("team", *key);
  ::umask(before);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(mode(store.folder()), 0700u);
  EXPECT_EQ(mode(store.folder() / "team.nk"), 0600u);
  EXPECT_EQ(store.add("team", *key).error().code, ErrorCode::Conflict);
  EXPECT_EQ(store.find("team")->public_key(), key->public_key());
  EXPECT_EQ(store.find(key->public_key().text())->public_key(), key->public_key());
  EXPECT_EQ(store.find((store.folder() / "team.nk").native())->public_key(), key->public_key());
  const auto keys = store.list();
  ASSERT_EQ(keys->size(), 1u);
  EXPECT_EQ((*keys)[0].name, "team");
  EXPECT_EQ(store.find("other").error().code, ErrorCode::NotFound);
}

TEST_F(KeyStores, RefusesWhatOthersCanRead) {
  const KeyStore store(top_ / "keys");
  ASSERT_TRUE(store.add("team", *KeyPair::generate(KeyKind::Account)));
  ::chmod((store.folder() / "team.nk").c_str(), 0640);
  EXPECT_EQ(store.find("team").error().code, ErrorCode::Denied);
  std::vector<std::string> unreadable;
  EXPECT_TRUE(store.list(&unreadable)->empty());
  EXPECT_EQ(unreadable.size(), 1u);
  ::chmod((store.folder() / "team.nk").c_str(), 0600);
  ::chmod(store.folder().c_str(), 0755);
  EXPECT_EQ(store.find("team").error().code, ErrorCode::Denied);
  ::chmod(store.folder().c_str(), 0700);
  EXPECT_TRUE(store.find("team"));
  fs::create_symlink(store.folder() / "team.nk", store.folder() / "link.nk");
  EXPECT_FALSE(store.find("link"));
}

TEST_F(KeyStores, NoErrorRepeatsASeed) {
  const KeyStore store(top_ / "keys");
  const auto key = KeyPair::generate(KeyKind::Account);
  const SeedText text = key->seed();
  const std::string seed(text.get().data(), text.get().size());
  for (const std::string& given : {seed, seed + "/", "./" + seed.substr(0, 57), "x" + seed}) {
    const auto found = store.find(given);
    ASSERT_FALSE(found);
    EXPECT_FALSE((found.error().message + found.error().hint).contains(seed.substr(4, 20)));
  }
  EXPECT_FALSE(store.add(seed, *key).error().message.contains(seed.substr(4, 20)));
  ASSERT_TRUE(store.add("bad", *key));
  std::ofstream(store.folder() / "bad.nk") << seed << "A\n";
  const auto bad = store.find("bad");
  ASSERT_FALSE(bad);
  EXPECT_FALSE(bad.error().message.contains(seed.substr(4, 20)));
}

TEST_F(KeyStores, NamesStayInTheFolder) {
  const KeyStore store(top_ / "keys");
  const auto key = KeyPair::generate(KeyKind::Account);
  for (const char* name : {"", ".", "..", "../x", "a/b", ".hidden", "-x", "a b", "a\nb"})
    EXPECT_EQ(store.add(name, *key).error().code, ErrorCode::InvalidArgument) << name;
}

}  // namespace
}  // namespace unbolt::identity
