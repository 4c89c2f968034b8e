#include "unbolt/project/shell_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include <vector>

namespace unbolt::project {
namespace {

using ::testing::ElementsAre;
using Seconds = std::chrono::duration<double>;

struct Ended {
  int status = -1;
  std::vector<std::string> lines;
  Seconds took{0};
};

Ended run(const std::string& text, std::chrono::milliseconds patience = std::chrono::hours(1)) {
  const auto begun = std::chrono::steady_clock::now();
  auto command = ShellCommand::start(text, "/", {{"GIVEN", "a value"}});
  if (!command) {
    ADD_FAILURE() << command.error().message;
    return {};
  }
  Ended ended;
  ended.status = command->wait([&](std::string_view line) { ended.lines.emplace_back(line); },
                               [&] {
                                 if (std::chrono::steady_clock::now() - begun > patience)
                                   command->interrupt();
                               });
  ended.took = std::chrono::steady_clock::now() - begun;
  return ended;
}

TEST(ShellCommand, LinesAndStatus) {
  const auto ended = run("echo one; echo two >&2; printf %s \"$GIVEN\"; pwd; exit 3");
  EXPECT_EQ(ended.status, 3);
  EXPECT_THAT(ended.lines, ElementsAre("one", "two", "a value/"));
}

TEST(ShellCommand, HasNothingToRead) { EXPECT_EQ(run("cat").status, 0); }

TEST(ShellCommand, HangingOneIsInterrupted) {
  const auto ended = run("sleep 60; echo never", std::chrono::milliseconds(50));
  EXPECT_EQ(ended.status, 128 + SIGTERM);
  EXPECT_LT(ended.took.count(), 5);
}

TEST(ShellCommand, OneThatDoesNotListenIsKilled) {
  const auto ended =
      run("trap '' TERM; while true; do sleep 1; done", std::chrono::milliseconds(50));
  EXPECT_EQ(ended.status, 128 + SIGKILL);
  EXPECT_LT(ended.took.count(), 10);
}

TEST(ShellCommand, WhatItLeavesBehindHoldsNobodyUp) {
  const auto ended = run("sleep 60 & echo done");
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.lines, ElementsAre("done"));
  EXPECT_LT(ended.took.count(), 5);
}

TEST(ShellCommand, FolderThatIsNotThere) {
  EXPECT_FALSE(ShellCommand::start("true", "/no/such/folder", {}));
}

}  // namespace
}  // namespace unbolt::project
