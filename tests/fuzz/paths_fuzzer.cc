// A component that was granted one folder, in a tree that changes underneath: the input is what it
// does, and a second thread replaces folders by links that lead out, and back. Whatever happens,
// nothing outside of the folder is reached, made, changed or removed.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "unbolt/files/node.h"
#include "unbolt/files/testing/scratch.h"

namespace {

namespace fs = std::filesystem;
using namespace unbolt;
using namespace unbolt::files;

[[noreturn]] void broken(const std::string& what) {
  std::fprintf(stderr, "left the folder: %s\n", what.c_str());
  std::abort();
}

class Tree {
 public:
  Tree() {
    fs::create_directories(scratch_ / "outside/deep");
    scratch_.write("outside/secret", "secret");
    scratch_.write("outside/deep/secret", "secret");
    for (const auto* path : {"", "secret", "deep", "deep/secret"})
      outside_.insert(status(outside(path)).st_ino);
    reset();
    attacker_ = std::thread([this] { attack(); });
  }
  ~Tree() {
    stop_ = true;
    attacker_.join();
  }

  // What a component is given.
  std::shared_ptr<const Node> root() { return *Node::open(scratch_ / "inside", Access::ReadWrite); }

  void reset() {
    const std::scoped_lock lock(mutex_);
    std::error_code ignored;
    fs::remove_all(scratch_ / "inside", ignored);
    fs::create_directories(scratch_ / "inside/a/b");
    fs::create_directories(scratch_ / "inside/c");
    scratch_.write("inside/secret", "mine");
    scratch_.write("inside/a/secret", "mine");
    fs::create_symlink("../outside", scratch_ / "inside/out", ignored);
    fs::create_symlink("a", scratch_ / "inside/in", ignored);
  }

  void check(int descriptor, const std::string& what) const {
    struct stat info{};
    if (::fstat(descriptor, &info) == 0) check(info, what);
  }
  void check(const struct stat& info, const std::string& what) const {
    // A link may be looked at; it is inside.
    if (outside_.contains(info.st_ino)) broken(what);
  }
  void check_outside() const {
    std::size_t entries = 0;
    for (const auto& entry : fs::recursive_directory_iterator(outside(""))) {
      ++entries;
      if (!outside_.contains(status(entry.path()).st_ino)) broken(entry.path());
    }
    if (entries != 3) broken("something outside is gone");
    for (const auto* file : {"outside/secret", "outside/deep/secret"}) {
      const auto info = status(scratch_ / file);
      if (info.st_nlink != 1 || info.st_size != 6 || info.st_mtim.tv_sec == 42) broken(file);
    }
  }

 private:
  fs::path outside(const std::string& path) const { return scratch_ / ("outside/" + path); }
  static struct stat status(const fs::path& path) {
    struct stat info{};
    ::lstat(path.c_str(), &info);
    return info;
  }

  void attack() {
    const fs::path inside = scratch_ / "inside";
    while (!stop_) {
      const std::scoped_lock lock(mutex_);
      std::error_code ignored;
      fs::rename(inside / "a", inside / "moved", ignored);
      fs::create_symlink("../outside", inside / "a", ignored);
      fs::rename(inside / "moved/b", inside / "c/b", ignored);
      fs::remove(inside / "a", ignored);
      fs::create_symlink("../outside/deep", inside / "a", ignored);
      fs::remove(inside / "a", ignored);
      fs::rename(inside / "moved", inside / "a", ignored);
      fs::rename(inside / "c/b", inside / "a/b", ignored);
    }
  }

  unbolt::files::testing::Scratch scratch_;
  std::set<ino_t> outside_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::thread attacker_;
};

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  unsigned byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::string path() {
    static const std::vector<std::string> kNames = {"a", "b",       "c",      "secret", "..",
                                                    ".", "out",     "in",     "deep",   "x",
                                                    "",  "outside", "inside", "moved"};
    std::string path;
    const unsigned names = 1 + byte() % 5;
    for (unsigned i = 0; i < names; ++i) {
      const unsigned choice = byte();
      if (choice < 250) {
        path += kNames[choice % kNames.size()];
      } else {
        path += static_cast<char>(byte());
      }
      if (i + 1 < names || choice % 16 == 0) path += '/';
    }
    return path;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

void check_content(const Node& node, const std::string& path) {
  std::uint8_t text[16];
  if (const auto size = node.read(text, 0); size && as_text({text, *size}) == "secret")
    broken(path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Tree tree;
  tree.reset();
  Input input(data, std::min<std::size_t>(size, 400));
  std::vector<std::shared_ptr<const Node>> nodes = {tree.root()};
  while (!input.empty()) {
    const unsigned operation = input.byte(), how = input.byte();
    const Node& node = *nodes[how / 8 % nodes.size()];
    const Node& other = *nodes[how / 64 % nodes.size()];
    const std::string path = input.path();
    const Follow follow = how & 1 ? Follow::Yes : Follow::No;
    switch (operation % 13) {
      case 0:
      case 1: {
        OpenOptions options{.follow = follow, .folder = (how & 2) != 0, .truncate = (how & 4) != 0};
        options.create = static_cast<Create>(operation / 13 % 3);
        options.rights.write = operation > 128;
        options.rights.read = operation % 2 == 0;
        if (auto opened = node.open_at(path, options)) {
          tree.check((*opened)->number(), path);
          check_content(**opened, path);
          if (operation > 128) (void)(*opened)->write(as_bytes("written"), 0);
          if (nodes.size() < 16) nodes.push_back(std::move(*opened));
        }
        break;
      }
      case 2:
        if (const auto info = node.stat_at(path, follow)) tree.check(*info, path);
        break;
      case 3: (void)node.make_folder_at(path); break;
      case 4: (void)node.remove_folder_at(path); break;
      case 5: (void)node.unlink_at(path); break;
      case 6: (void)node.make_link_at(input.path(), path); break;
      case 7: (void)node.hard_link_at(path, other, input.path()); break;
      case 8: (void)node.rename_at(path, other, input.path()); break;
      case 9: {
        const NewTime time{NewTime::Kind::At, 42, 0};
        (void)node.set_times_at(path, follow, time, time);
        break;
      }
      case 10: (void)node.read_link_at(path); break;
      case 11:
        if (auto listing = Listing::open(node)) {
          tree.check(node.number(), "a listing");
          for (auto entry = (*listing)->next(); entry && *entry; entry = (*listing)->next()) {
          }
        }
        break;
      default: {
        const int flags = follow == Follow::Yes ? O_PATH : O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
        if (const auto opened = open_beneath(node.number(), path, flags, 0, Method::Walk))
          tree.check(opened->number(), path);
        if (const auto place = place_beneath(node.number(), path, Method::Walk))
          tree.check(place->folder, path);
      }
    }
  }
  nodes.clear();
  tree.check_outside();
  return 0;
}
