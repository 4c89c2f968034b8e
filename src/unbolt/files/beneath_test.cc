#include "unbolt/files/beneath.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <random>
#include <thread>

#include "unbolt/files/testing/scratch.h"

namespace unbolt::files {
namespace {

namespace fs = std::filesystem;

// outside/secret, and beside it inside/ with a few files and every known way out.
class Beneath : public ::testing::TestWithParam<Method> {
 protected:
  Beneath() {
    if (GetParam() == Method::Kernel && best_method() != Method::Kernel) return;
    fs::create_directories(scratch / "outside/deep");
    scratch.write("outside/secret", "secret");
    fs::create_directories(scratch / "inside/a/b/c");
    scratch.write("inside/file", "file");
    scratch.write("inside/a/b/file", "deep file");
    const fs::path inside = scratch / "inside";
    fs::create_symlink(scratch / "outside", inside / "absolute-folder");
    fs::create_symlink(scratch / "outside/secret", inside / "absolute-file");
    fs::create_symlink("../outside", inside / "relative-folder");
    fs::create_symlink("../outside/secret", inside / "relative-file");
    fs::create_symlink("a/../../outside/secret", inside / "through-a");
    fs::create_symlink("relative-folder/secret", inside / "chained");
    fs::create_symlink("a", inside / "link-to-a");
    fs::create_symlink("../..", inside / "a/b/up");
    fs::create_symlink("../../..", inside / "a/b/too-far-up");
    fs::create_symlink("/proc/self/root", inside / "proc-root");
    fs::create_symlink("/proc/self/cwd", inside / "proc-cwd");
    fs::create_symlink("loop", inside / "loop");
    fs::create_symlink("ping", inside / "pong");
    fs::create_symlink("pong", inside / "ping");
    fs::create_symlink("file", inside / "link-to-file");
    fs::create_symlink("missing", inside / "dangling");
    fs::create_symlink("../outside/made-by-guest", inside / "dangling-out");
    fs::create_symlink(".", inside / "self");
    fs::create_symlink("..", inside / "parent");
    root = Descriptor(::open(inside.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  void SetUp() override {
    if (!root) GTEST_SKIP() << "this kernel has no openat2";
  }

  int open_error(std::string_view path, int flags = O_RDONLY) {
    const auto opened = open_beneath(root.number(), path, flags, 0666, GetParam());
    return opened ? 0 : opened.error().value;
  }
  std::string content(std::string_view path) {
    const auto opened = open_beneath(root.number(), path, O_RDONLY, 0, GetParam());
    if (!opened) return "error " + std::to_string(opened.error().value);
    char text[64];
    const auto size = ::read(opened->number(), text, sizeof text);
    return size < 0 ? "unreadable" : std::string(text, static_cast<std::size_t>(size));
  }

  testing::Scratch scratch;
  Descriptor root;
};

TEST_P(Beneath, OpensWhatIsInside) {
  EXPECT_EQ(content("file"), "file");
  EXPECT_EQ(content("./a/./b//file"), "deep file");
  EXPECT_EQ(content("a/b/../b/c/../file"), "deep file");
  EXPECT_EQ(content("link-to-file"), "file");
  EXPECT_EQ(content("link-to-a/b/file"), "deep file");
  EXPECT_EQ(content("a/b/up/file"), "file");
  EXPECT_EQ(content("self/self/a/../self/file"), "file");
  EXPECT_EQ(open_error("."), 0);
  EXPECT_EQ(open_error("a/.."), 0);
  EXPECT_EQ(open_error("a/", O_RDONLY | O_DIRECTORY), 0);
}

// The table of escapes: each is refused, for reading as for writing.
TEST_P(Beneath, NothingLeavesTheFolder) {
  const std::string absolute = (scratch / "outside/secret").string();
  for (const std::string& path :
       std::initializer_list<std::string>{"..",
                                          "../",
                                          "../outside/secret",
                                          "a/../../outside/secret",
                                          "./../outside/secret",
                                          "a/b/../../../outside/secret",
                                          "link-to-a/../../outside/secret",
                                          "/",
                                          "/etc/passwd",
                                          absolute,
                                          "//etc/passwd",
                                          "absolute-file",
                                          "absolute-folder/secret",
                                          "relative-file",
                                          "relative-folder/secret",
                                          "relative-folder/deep/../secret",
                                          "through-a",
                                          "chained",
                                          "a/b/too-far-up/outside/secret",
                                          "a/b/up/../outside/secret",
                                          "parent",
                                          "parent/inside/file",
                                          "parent/outside/secret",
                                          "self/parent/outside/secret",
                                          "proc-root/etc/passwd",
                                          "proc-cwd",
                                          "absolute-folder",
                                          "absolute-folder/",
                                          "relative-folder/.",
                                          "relative-folder/.."}) {
    for (const int flags : {O_RDONLY, O_WRONLY, O_PATH, O_RDONLY | O_DIRECTORY}) {
      EXPECT_EQ(open_error(path, flags), EPERM) << path << " " << flags;
    }
  }
  EXPECT_EQ(open_error("dangling-out", O_WRONLY | O_CREAT), EPERM);
  EXPECT_EQ(open_error("parent/new", O_WRONLY | O_CREAT), EPERM);
  EXPECT_FALSE(fs::exists(scratch / "outside/made-by-guest"));
  EXPECT_FALSE(fs::exists(scratch / "new"));
}

TEST_P(Beneath, SpeaksAsTheKernelDoes) {
  EXPECT_EQ(open_error(""), ENOENT);
  EXPECT_EQ(open_error("missing"), ENOENT);
  EXPECT_EQ(open_error("missing/file"), ENOENT);
  EXPECT_EQ(open_error("dangling"), ENOENT);
  EXPECT_EQ(open_error("file/x"), ENOTDIR);
  EXPECT_EQ(open_error("file/"), ENOTDIR);
  EXPECT_EQ(open_error("file/."), ENOTDIR);
  EXPECT_EQ(open_error("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
  EXPECT_EQ(open_error("a", O_WRONLY), EISDIR);
  EXPECT_EQ(open_error("loop"), ELOOP);
  EXPECT_EQ(open_error("ping/file"), ELOOP);
  EXPECT_EQ(open_error("link-to-file", O_RDONLY | O_NOFOLLOW), ELOOP);
  EXPECT_EQ(open_error("link-to-a", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
  EXPECT_EQ(open_error("link-to-a/", O_RDONLY | O_NOFOLLOW), 0);
  EXPECT_EQ(open_error("dangling", O_WRONLY | O_CREAT | O_EXCL), EEXIST);
  EXPECT_EQ(open_error("file", O_WRONLY | O_CREAT | O_EXCL), EEXIST);
  EXPECT_EQ(open_error("new/", O_WRONLY | O_CREAT), EISDIR);
  EXPECT_EQ(open_error(std::string(300, 'x')), ENAMETOOLONG);
  EXPECT_EQ(open_error(std::string(5000, '/') + "x"), ENAMETOOLONG);
  EXPECT_EQ(open_error(std::string_view("file\0", 5)), EINVAL);
  EXPECT_EQ(open_error("dangling", O_WRONLY | O_CREAT), 0) << "made where it points to";
  EXPECT_TRUE(fs::exists(scratch / "inside/missing"));
}

TEST_P(Beneath, OpensALinkItselfWhenAsked) {
  const auto link =
      open_beneath(root.number(), "absolute-file", O_PATH | O_NOFOLLOW, 0, GetParam());
  ASSERT_TRUE(link);
  struct stat info{};
  ASSERT_EQ(::fstat(link->number(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
}

TEST_P(Beneath, FindsThePlaceOfAName) {
  const auto place = place_beneath(root.number(), "a/b/new", GetParam());
  ASSERT_TRUE(place);
  EXPECT_EQ(place->name, "new");
  EXPECT_EQ(::mkdirat(place->folder, place->name.c_str(), 0777), 0);
  EXPECT_TRUE(fs::is_directory(scratch / "inside/a/b/new"));
  EXPECT_EQ(place_beneath(root.number(), "a/b/new//", GetParam())->name, "new/");
  for (const auto& [path, error] : {std::pair{"", ENOENT},
                                    {".", EINVAL},
                                    {"a/.", EINVAL},
                                    {"..", EPERM},
                                    {"a/..", EPERM},
                                    {"/x", EPERM},
                                    {"relative-folder/x", EPERM},
                                    {"parent/x", EPERM},
                                    {"../x", EPERM},
                                    {"missing/x", ENOENT},
                                    {"file/x", ENOTDIR}}) {
    const auto refused = place_beneath(root.number(), path, GetParam());
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().value, error) << path;
  }
}

// A tree that changes underneath: folders are replaced by links that lead out, and moved out, while
// paths are resolved. Whatever is opened, it is not the secret.
TEST_P(Beneath, ARaceDoesNotLeaveTheFolder) {
  std::atomic<bool> stop = false;
  const fs::path inside = scratch / "inside";
  fs::create_directories(inside / "x/y");
  scratch.write("inside/x/y/secret", "harmless");
  scratch.write("inside/x/secret", "harmless");
  std::thread attacker([&] {
    std::error_code ignored;
    while (!stop) {
      fs::rename(inside / "x/y", scratch / "outside/y", ignored);  // `..` of it is outside now
      fs::rename(scratch / "outside/y", inside / "x/y", ignored);
      fs::rename(inside / "x", inside / "x2", ignored);
      fs::create_symlink("../outside", inside / "x", ignored);
      fs::remove(inside / "x", ignored);
      fs::rename(inside / "x2", inside / "x", ignored);
    }
  });
  int opened = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
  while (std::chrono::steady_clock::now() < end) {
    for (const auto path : {"x/secret", "x/y/../secret", "x/y/secret", "x/y/../../x/secret",
                            "x/y/../../outside/secret"}) {
      const auto text = content(path);
      ASSERT_NE(text, "secret") << path;
      opened += text == "harmless";
    }
  }
  stop = true;
  attacker.join();
  EXPECT_GT(opened, 0);
}

INSTANTIATE_TEST_SUITE_P(Methods, Beneath, ::testing::Values(Method::Kernel, Method::Walk),
                         [](const auto& info) {
                           return info.param == Method::Kernel ? "Kernel" : "Walk";
                         });

// Random paths over a tree full of links: the walk and the kernel agree on every one.
TEST(BeneathMethods, Agree) {
  if (best_method() != Method::Kernel) GTEST_SKIP() << "this kernel has no openat2";
  testing::Scratch scratch;
  const fs::path inside = scratch / "in";
  fs::create_directories(inside / "a/b");
  scratch.write("in/f", "f");
  scratch.write("in/a/f", "f");
  std::mt19937 random(7);
  const std::vector<std::string> names = {"a",  "b",  "f",  "..", ".",      "l1",
                                          "l2", "l3", "l4", "",   "missing"};
  const auto path_of = [&](std::size_t longest) {
    std::string path;
    for (auto n = 1 + random() % longest; n > 0; --n) {
      path += names[random() % names.size()];
      if (n > 1 || random() % 4 == 0) path += '/';
    }
    return path;
  };
  const Descriptor root(::open(inside.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int tree = 0; tree < 60; ++tree) {
    for (const auto link : {"l1", "l2", "a/l3", "a/b/l4"}) {
      std::string target = path_of(4);
      if (target.empty()) target = "a";
      fs::remove(inside / link);
      fs::create_symlink(target, inside / link);
    }
    for (int i = 0; i < 200; ++i) {
      const std::string path = path_of(6);
      int flags = std::array{O_RDONLY, O_PATH, O_WRONLY, O_RDONLY | O_DIRECTORY}[random() % 4];
      if (random() % 2) flags |= O_NOFOLLOW;
      const auto a = open_beneath(root.number(), path, flags, 0, Method::Kernel);
      const auto b = open_beneath(root.number(), path, flags, 0, Method::Walk);
      ASSERT_EQ(a ? 0 : a.error().value, b ? 0 : b.error().value)
          << "'" << path << "' flags " << flags << ", l1 -> " << fs::read_symlink(inside / "l1")
          << ", l2 -> " << fs::read_symlink(inside / "l2") << ", l3 -> "
          << fs::read_symlink(inside / "a/l3") << ", l4 -> " << fs::read_symlink(inside / "a/b/l4");
      if (!a) continue;
      struct stat first{}, second{};
      ::fstat(a->number(), &first);
      ::fstat(b->number(), &second);
      ASSERT_EQ(first.st_ino, second.st_ino) << path;
    }
  }
}

}  // namespace
}  // namespace unbolt::files
