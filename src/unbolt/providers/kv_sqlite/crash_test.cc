// A program that is killed with -9 at any moment has kept every write that it had answered.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/providers/kv_sqlite/kv_sqlite.h"
#include "unbolt/providers/kv_sqlite/testing.h"

namespace unbolt::providers {
namespace {

using contracts::KeyValue;
using contracts::KeyValuePair;

constexpr int kWriters = 8;

// Sent when the write was answered; smaller than PIPE_BUF, so never cut by the kill.
struct Answered {
  std::uint32_t writer;
  std::uint32_t number;
};

std::string key_of(std::uint32_t writer, std::uint32_t number) {
  return std::to_string(writer) + "/" + std::to_string(number);
}

Task<> write_until_killed(KeyValue& store, std::uint32_t writer, int pipe) {
  for (std::uint32_t number = 0;; ++number) {
    std::string one = key_of(writer, number), two = one + " too";
    Bytes value(number % 5000, static_cast<std::uint8_t>(number));
    std::vector<KeyValuePair> pairs = {{one, value}, {two, value}};
    auto set = co_await store.set_many("b", pairs).wait();
    auto sum = co_await store.increment("b", "sum", 1).wait();
    Answered answered{writer, number};
    if (!set || !sum || ::write(pipe, &answered, sizeof answered) != sizeof answered) std::abort();
  }
}

// What the killed program runs: see the environment.
TEST(KvSqliteCrash, DISABLED_Child) {
  const char* path = std::getenv("UNBOLT_TEST_DATABASE");
  const char* pipe = std::getenv("UNBOLT_TEST_PIPE");
  if (!path || !pipe) GTEST_SKIP() << "started by SurvivesKill";
  asio::io_context loop(1);
  BlockingPool pool(2);
  auto store = make_kv_sqlite({.path = path}, pool);
  ASSERT_TRUE(store) << store.error().message;
  for (std::uint32_t i = 0; i < kWriters; ++i) {
    asio::co_spawn(loop, write_until_killed(**store, i, std::atoi(pipe)),
                   [](std::exception_ptr) { std::abort(); });
  }
  loop.run();
}

pid_t start_child(const std::string& path, int pipe) {
  std::string database = "UNBOLT_TEST_DATABASE=" + path,
              number = "UNBOLT_TEST_PIPE=" + std::to_string(pipe);
  std::vector<char*> environment = {database.data(), number.data()};
  for (char** entry = environ; *entry; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  std::string name = "child", filter = "--gtest_filter=KvSqliteCrash.DISABLED_Child",
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

TEST(KvSqliteCrash, SurvivesKill) {
  constexpr int kRounds = 8;
  TemporaryFolder folder;
  std::mt19937 random(std::random_device{}());
  std::size_t answered_in_all = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::string path =
        folder.file(std::to_string(round / 2) + ".db");  // every other one is a recovered file
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    pid_t child = start_child(path, ends[1]);
    ASSERT_GT(child, 0);
    ::close(ends[1]);

    // From the first answer on, some time.
    std::vector<Answered> answers(1);
    ASSERT_EQ(::read(ends[0], &answers[0], sizeof(Answered)),
              static_cast<ssize_t>(sizeof(Answered)));
    std::thread killer([&, wait = std::uniform_int_distribution(0, 150)(random)] {
      std::this_thread::sleep_for(std::chrono::milliseconds(wait));
      ::kill(child, SIGKILL);
    });
    Answered next;
    while (::read(ends[0], &next, sizeof next) == sizeof next) answers.push_back(next);
    killer.join();
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;

    asio::io_context loop(1);
    BlockingPool pool(2);
    auto store = make_kv_sqlite({.path = path}, pool);
    ASSERT_TRUE(store) << store.error().message;
    auto now = [&](auto reply) { return run_task(loop, std::move(reply).wait()); };
    for (const Answered& write : answers) {
      std::string one = key_of(write.writer, write.number), two = one + " too";
      std::string_view keys[] = {one, two};
      auto values = now((*store)->get_many("b", keys));
      ASSERT_TRUE(values);
      Bytes expected(write.number % 5000, static_cast<std::uint8_t>(write.number));
      ASSERT_EQ((*values)[0], expected) << one;
      ASSERT_EQ((*values)[1], expected) << two;
    }
    if (round % 2 == 0) {
      // Those that were on their way may have been kept too: at most one a writer.
      auto sum = now((*store)->increment("b", "sum", 0));
      ASSERT_TRUE(sum);
      EXPECT_GE(*sum, answers.size());
      EXPECT_LE(*sum, answers.size() + kWriters);
    }
    answered_in_all += answers.size();
  }
  RecordProperty("answered", static_cast<int>(answered_in_all));
  EXPECT_GT(answered_in_all, std::size_t{kRounds});
}

}  // namespace
}  // namespace unbolt::providers
