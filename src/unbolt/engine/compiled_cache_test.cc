#include "unbolt/engine/compiled_cache.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "unbolt/engine/testing/wat.h"

namespace unbolt::engine {
namespace {

namespace fs = std::filesystem;

class CompiledCacheTest : public testing::Test {
 public:
  CompiledCacheTest() {
    std::string name = (fs::temp_directory_path() / "unbolt-cache-XXXXXX").string();
    EXPECT_TRUE(::mkdtemp(name.data()));
    root = name;
  }
  ~CompiledCacheTest() override { fs::remove_all(root); }

 protected:
  CompiledCache open() {
    auto cache = CompiledCache::open(root / "compiled");
    EXPECT_TRUE(cache) << cache.error().message;
    return std::move(*cache);
  }
  // Whether it had to be compiled.
  bool compiles(const CompiledCache& cache, ByteView bytes) {
    bool compiled = false;
    const auto module = cache.load(engine, bytes, [&] { compiled = true; });
    EXPECT_TRUE(module) << module.error().message;
    if (module) EXPECT_TRUE(module->find_export("answer"));
    return compiled;
  }
  std::vector<fs::path> files(std::string_view extension) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(root / "compiled")) {
      if (entry.path().extension() == extension) found.push_back(entry.path());
    }
    return found;
  }
  static void flip(const fs::path& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 1));
  }

  Engine engine{EngineOptions{.max_instances = 0}};
  Bytes module = wat(R"((module (func (export "answer") (result i32) (i32.const 42))))");
  Bytes other = wat(R"((module (func (export "answer") (result i32) (i32.const 43))))");
  fs::path root;
};

TEST_F(CompiledCacheTest, CompilesOnce) {
  const auto cache = open();
  EXPECT_TRUE(compiles(cache, module));
  EXPECT_FALSE(compiles(cache, module));
  EXPECT_TRUE(compiles(cache, other));
  EXPECT_FALSE(compiles(open(), module));  // and so it is for the next process
  EXPECT_FALSE(compiles(open(), other));
}

TEST_F(CompiledCacheTest, CodeThatWasTamperedWithIsCompiledAnew) {
  const auto cache = open();
  compiles(cache, module);
  ASSERT_EQ(files(".code").size(), 1u);
  const auto code = files(".code")[0];
  for (const std::streamoff at : {0L, static_cast<long>(fs::file_size(code) / 2),
                                  static_cast<long>(fs::file_size(code)) - 1}) {
    flip(code, at);
    EXPECT_TRUE(compiles(cache, module)) << at;
    EXPECT_FALSE(compiles(cache, module)) << at;  // and what was written then is good
  }
  fs::resize_file(code, fs::file_size(code) / 2);
  EXPECT_TRUE(compiles(cache, module));
  fs::resize_file(code, 0);
  EXPECT_TRUE(compiles(cache, module));
  fs::remove(code);
  EXPECT_TRUE(compiles(cache, module));
  EXPECT_FALSE(compiles(cache, module));
}

TEST_F(CompiledCacheTest, AnAuthenticationCodeThatWasTamperedWithIsNotTaken) {
  const auto cache = open();
  compiles(cache, module);
  const auto mac = files(".mac")[0];
  flip(mac, 5);
  EXPECT_TRUE(compiles(cache, module));
  fs::resize_file(mac, 0);
  EXPECT_TRUE(compiles(cache, module));
  fs::remove(mac);
  EXPECT_TRUE(compiles(cache, module));
  EXPECT_FALSE(compiles(cache, module));
}

TEST_F(CompiledCacheTest, AnEntryCannotStandInForAnother) {
  const auto cache = open();
  compiles(cache, module);
  const auto code = files(".code")[0], mac = files(".mac")[0];
  fs::copy_file(code, root / "code");
  fs::copy_file(mac, root / "mac");
  fs::remove(code);
  fs::remove(mac);
  compiles(cache, other);
  fs::copy_file(root / "code", files(".code")[0], fs::copy_options::overwrite_existing);
  fs::copy_file(root / "mac", files(".mac")[0], fs::copy_options::overwrite_existing);
  EXPECT_TRUE(compiles(cache, other));
}

TEST_F(CompiledCacheTest, CodeOfALostKeyIsCompiledAnew) {
  compiles(open(), module);
  fs::remove(root / "compiled" / "key");
  EXPECT_TRUE(compiles(open(), module));
  EXPECT_FALSE(compiles(open(), module));
  fs::resize_file(root / "compiled" / "key", 3);
  EXPECT_TRUE(compiles(open(), module));
  EXPECT_FALSE(compiles(open(), module));
}

TEST_F(CompiledCacheTest, AFolderThatOthersMayWriteIsRefused) {
  fs::create_directories(root / "compiled");
  for (const mode_t mode : {0777, 0750, 0705, 0701}) {
    ASSERT_EQ(::chmod((root / "compiled").c_str(), mode), 0);
    const auto cache = CompiledCache::open(root / "compiled");
    ASSERT_FALSE(cache) << mode;
    EXPECT_EQ(cache.error().code, ErrorCode::Denied);
    EXPECT_NE(cache.error().message.find("0700"), std::string::npos);
  }
  ASSERT_EQ(::chmod((root / "compiled").c_str(), 0700), 0);
  EXPECT_TRUE(CompiledCache::open(root / "compiled"));
}

TEST_F(CompiledCacheTest, ALinkOrAFileIsRefused) {
  fs::create_directories(root / "elsewhere");
  ::chmod((root / "elsewhere").c_str(), 0700);
  fs::create_directory_symlink(root / "elsewhere", root / "compiled");
  EXPECT_FALSE(CompiledCache::open(root / "compiled"));
  std::ofstream(root / "file") << "x";
  EXPECT_FALSE(CompiledCache::open(root / "file"));
  EXPECT_FALSE(CompiledCache::open({}));
}

TEST_F(CompiledCacheTest, FilesAreTheOwnersAlone) {
  compiles(open(), module);
  int files = 0;
  for (const auto& entry : fs::directory_iterator(root / "compiled")) {
    struct stat info{};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 3);  // the key, the code and its authentication code; nothing is left aside
}

TEST_F(CompiledCacheTest, InvalidModulesAreErrors) {
  const auto cache = open();
  Bytes broken = module;
  broken.resize(broken.size() - 3);
  const auto loaded = cache.load(engine, broken, {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::InvalidFile);
  EXPECT_TRUE(files(".code").empty());
}

TEST_F(CompiledCacheTest, KeepsWhatWasMadeOfOtherFiles) {
  const auto cache = open();
  EXPECT_FALSE(cache.kept("a"));
  cache.keep("a", as_bytes("made of a"));
  cache.keep("b", as_bytes("made of b"));
  ASSERT_TRUE(cache.kept("a"));
  EXPECT_EQ(as_text(*cache.kept("a")), "made of a");
  flip(root / "compiled" / "a", 3);
  EXPECT_FALSE(cache.kept("a"));
  cache.keep("a", as_bytes("made again"));
  EXPECT_EQ(as_text(*cache.kept("a")), "made again");
  // One cannot stand in for another.
  fs::copy_file(root / "compiled" / "a", root / "compiled" / "b",
                fs::copy_options::overwrite_existing);
  fs::copy_file(root / "compiled" / "a.mac", root / "compiled" / "b.mac",
                fs::copy_options::overwrite_existing);
  EXPECT_FALSE(cache.kept("b"));
}

TEST_F(CompiledCacheTest, Marks) {
  const auto cache = open();
  const auto digest = sha256_hex(module);
  EXPECT_FALSE(cache.marked(engine, digest));
  cache.mark(engine, digest);
  EXPECT_TRUE(cache.marked(engine, digest));
  EXPECT_TRUE(open().marked(engine, digest));
  EXPECT_FALSE(cache.marked(engine, sha256_hex(other)));
  // A mark is as good as the key it was made with.
  fs::copy_file(
      files(".ok")[0],
      (root / "compiled" / (sha256_hex(other) + files(".ok")[0].filename().string().substr(64))));
  EXPECT_FALSE(cache.marked(engine, sha256_hex(other)));
  fs::remove(root / "compiled" / "key");
  EXPECT_FALSE(open().marked(engine, digest));
}

// Opens the cache and loads both modules, again and again; 0 where all went well.
int use_cache(const fs::path& folder, const Bytes& module, const Bytes& other) {
  Engine engine({.max_instances = 0});
  for (int i = 0; i < 20; ++i) {
    auto cache = CompiledCache::open(folder);
    if (!cache) return 1;
    for (const Bytes* bytes : {&module, &other}) {
      const auto loaded = cache->load(engine, *bytes, {});
      if (!loaded || !loaded->find_export("answer")) return 2;
    }
  }
  return 0;
}

// Several processes at a time, from the first key on. Each child is this program again, told so by
// its environment.
TEST(CompiledCacheProcesses, ShareAFolder) {
  const Bytes module = wat(R"((module (func (export "answer") (result i32) (i32.const 42))))");
  const Bytes other = wat(R"((module (func (export "answer") (result i32) (i32.const 43))))");
  constexpr const char* kFolder = "UNBOLT_TEST_SHARED_CACHE";
  if (const char* folder = std::getenv(kFolder)) std::_Exit(use_cache(folder, module, other));

  std::string root = (fs::temp_directory_path() / "unbolt-cache-XXXXXX").string();
  ASSERT_TRUE(::mkdtemp(root.data()));
  const fs::path folder = fs::path(root) / "compiled";
  ::setenv(kFolder, folder.c_str(), 1);
  std::string program = "/proc/self/exe",
              filter = "--gtest_filter=CompiledCacheProcesses.ShareAFolder";
  char* const arguments[] = {program.data(), filter.data(), nullptr};
  std::vector<pid_t> children(4);
  for (pid_t& child : children) {
    ASSERT_EQ(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ), 0);
  }
  ::unsetenv(kFolder);
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  Engine engine({.max_instances = 0});
  auto cache = CompiledCache::open(folder);
  ASSERT_TRUE(cache);
  bool compiled = false;
  EXPECT_TRUE(cache->load(engine, module, [&] { compiled = true; }));
  EXPECT_FALSE(compiled);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++files;
  EXPECT_EQ(files, 5u);  // the key, two modules and their codes
  fs::remove_all(root);
}

}  // namespace
}  // namespace unbolt::engine
