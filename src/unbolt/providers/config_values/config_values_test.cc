#include "unbolt/providers/config_values/config_values.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace unbolt::providers {
namespace {

TEST(ConfigFromValues, AnswersWhatWasGiven) {
  ConfigFromValues config({{"greeting", "hello"}, {"empty", ""}});
  EXPECT_EQ(config.get("greeting"), "hello");
  EXPECT_EQ(config.get("empty"), "");
  EXPECT_EQ(config.get("other"), std::nullopt);
  EXPECT_EQ(config.snapshot()->size(), 2u);
  EXPECT_TRUE(ConfigFromValues().snapshot()->empty());
}

TEST(ConfigFromValues, ASnapshotNeverChanges) {
  ConfigFromValues config({{"a", "1"}});
  auto before = config.snapshot();
  config.publish({{"b", "2"}});
  EXPECT_EQ(before->at("a"), "1");
  EXPECT_EQ(config.get("a"), std::nullopt);
  EXPECT_EQ(config.get("b"), "2");
}

TEST(ConfigFromValues, ReadersSeeOneVersionWhileItIsReplaced) {
  ConfigFromValues config({{"a", "0"}, {"b", "0"}});
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    for (int i = 1; i < 2000; ++i)
      config.publish({{"a", std::to_string(i)}, {"b", std::to_string(i)}});
    done = true;
  });
  while (!done) {
    auto values = config.snapshot();
    ASSERT_EQ(values->at("a"), values->at("b"));
  }
}

}  // namespace
}  // namespace unbolt::providers
