// A program that is killed with -9 at any moment leaves whole objects: of each, all of the last
// write that it had answered, or all of the one after.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/files/testing/scratch.h"
#include "unbolt/providers/blob_files/blob_files.h"

namespace unbolt::providers {
namespace {

using contracts::BlobStore;
namespace fs = std::filesystem;

constexpr std::uint32_t kWriters = 6;

// Sent when the write was answered; smaller than PIPE_BUF, so never cut by the kill.
struct Answered {
  std::uint32_t writer, number;
};

// In three pieces of this.
std::string piece_of(std::uint32_t writer, std::uint32_t number) {
  return std::string(20'000 + number % 97 * 1000 + writer, static_cast<char>('a' + number % 26));
}

Task<> write_until_killed(BlobStore& store, std::uint32_t writer, int pipe) {
  const std::string name = std::to_string(writer);
  for (std::uint32_t number = 0;; ++number) {
    const std::string piece = piece_of(writer, number);
    auto to = co_await store.write({"c", name}).wait();
    if (!to) std::abort();
    for (int i = 0; i < 3; ++i) {
      if (!co_await (*to)->write(as_bytes(piece)).wait()) std::abort();
    }
    if (!co_await (*to)->finish().wait()) std::abort();
    const Answered answered{writer, number};
    if (::write(pipe, &answered, sizeof answered) != sizeof answered) std::abort();
  }
}

// What the killed program runs: see the environment.
TEST(BlobFilesCrash, DISABLED_Child) {
  const char* path = std::getenv("UNBOLT_TEST_FOLDER");
  const char* pipe = std::getenv("UNBOLT_TEST_PIPE");
  if (!path || !pipe) GTEST_SKIP() << "started by LeavesWholeObjects";
  asio::io_context loop(1);
  BlockingPool pool(3);
  auto store = make_blob_files({path, blob_files::Durability::Crash}, pool);
  ASSERT_TRUE(store) << store.error().message;
  (void)run_task(loop, (*store)->create_container("c").wait());
  loop.restart();
  for (std::uint32_t i = 0; i < kWriters; ++i) {
    asio::co_spawn(loop, write_until_killed(**store, i, std::atoi(pipe)),
                   [](std::exception_ptr) { std::abort(); });
  }
  loop.run();
}

pid_t start_child(const std::string& path, int pipe) {
  std::string folder = "UNBOLT_TEST_FOLDER=" + path,
              number = "UNBOLT_TEST_PIPE=" + std::to_string(pipe);
  std::vector<char*> environment = {folder.data(), number.data()};
  for (char** entry = environ; *entry; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  std::string name = "child", filter = "--gtest_filter=BlobFilesCrash.DISABLED_Child",
              all = "--gtest_also_run_disabled_tests";
  char* arguments[] = {name.data(), filter.data(), all.data(), nullptr};
  pid_t child = ::fork();
  if (child == 0) {
    int silent = ::open("/dev/null", O_WRONLY);
    ::dup2(silent, STDOUT_FILENO);
    ::execve("/proc/self/exe", arguments, environment.data());
    ::_exit(127);
  }
  return child;
}

Task<Result<std::string>> read_all(BlobStore& store, std::string name) {
  auto reader = co_await store.read({"c", name}, {}).wait();
  if (!reader) co_return std::unexpected(std::move(reader.error()));
  std::string all;
  while (true) {
    auto piece = co_await (*reader)->next(SIZE_MAX).wait();
    if (!piece) co_return std::unexpected(std::move(piece.error()));
    if (piece->empty()) co_return all;
    all += as_text(*piece);
  }
}

TEST(BlobFilesCrash, LeavesWholeObjects) {
  constexpr int kRounds = 10;
  files::testing::Scratch scratch;
  std::mt19937 random(std::random_device{}());
  std::size_t answered_in_all = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string path = (scratch / std::to_string(round)).string();
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    const pid_t child = start_child(path, ends[1]);
    ASSERT_GT(child, 0);
    ::close(ends[1]);

    // From the first answer on, some time.
    std::map<std::uint32_t, std::uint32_t> last;
    Answered next;
    ASSERT_EQ(::read(ends[0], &next, sizeof next), static_cast<ssize_t>(sizeof next));
    std::thread killer([&, wait = std::uniform_int_distribution(0, 60)(random)] {
      std::this_thread::sleep_for(std::chrono::milliseconds(wait));
      ::kill(child, SIGKILL);
    });
    do {
      last[next.writer] = next.number;
      ++answered_in_all;
    } while (::read(ends[0], &next, sizeof next) == sizeof next);
    killer.join();
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;

    asio::io_context loop(1);
    BlockingPool pool(2);
    auto store = make_blob_files({path, blob_files::Durability::Crash}, pool);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE(fs::is_empty(fs::path(path) / ".tmp"));
    for (std::uint32_t writer = 0; writer < kWriters; ++writer) {
      const auto found = run_task(loop, read_all(**store, std::to_string(writer)));
      const auto thrice = [&](std::uint32_t number) {
        const std::string piece = piece_of(writer, number);
        return piece + piece + piece;
      };
      if (!last.contains(writer)) {
        EXPECT_TRUE(!found || *found == thrice(0));
      } else {
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_TRUE(*found == thrice(last[writer]) || *found == thrice(last[writer] + 1));
      }
    }
  }
  EXPECT_GT(answered_in_all, std::size_t{kRounds});
}

}  // namespace
}  // namespace unbolt::providers
