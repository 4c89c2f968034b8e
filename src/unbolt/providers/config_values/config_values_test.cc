#include "unbolt/providers/config_values/config_values.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <string>
#include <thread>

#include "unbolt/providers/config_values/config_env.h"

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

TEST(ConfigFromEnvironment, HasWhatBeginsWithThePrefix) {
  ::setenv("UNBOLT_TEST_CONFIG_COLOUR", "green", 1);
  ::setenv("UNBOLT_TEST_CONFIG_", "nobody's", 1);
  ::setenv("UNBOLT_TEST_OTHER", "other", 1);
  BlockingPool pool(1);
  contracts::ProviderContext context{stderr_log(), pool};
  contracts::ProviderTable<contracts::Config> table({{"env", open_config_env}});
  auto config = table.open("env:UNBOLT_TEST_CONFIG_", context);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*(*config)->snapshot(), (contracts::ConfigValues{{"COLOUR", "green"}}));
  EXPECT_EQ(table.open("env:", context).error().code, ErrorCode::InvalidArgument);
  ::setenv("UNBOLT_TEST_CONFIG_BAD", "\xff", 1);
  EXPECT_FALSE(table.open("env:UNBOLT_TEST_CONFIG_", context));
  ::unsetenv("UNBOLT_TEST_CONFIG_BAD");
}

TEST(LayeredConfig, TheUpperOneWins) {
  auto upper = std::make_shared<ConfigFromValues>(), lower = std::make_shared<ConfigFromValues>();
  const auto both = contracts::layered(upper, lower);
  EXPECT_TRUE(both->snapshot()->empty());
  lower->publish({{"a", "lower"}, {"b", "lower"}});
  EXPECT_EQ(both->snapshot(), lower->snapshot());
  upper->publish({{"a", "upper"}, {"c", "upper"}});
  EXPECT_EQ(*both->snapshot(),
            (contracts::ConfigValues{{"a", "upper"}, {"b", "lower"}, {"c", "upper"}}));
  EXPECT_EQ(both->snapshot(), both->snapshot());
  lower->publish({{"b", "new"}});
  EXPECT_EQ(both->get("b"), "new");
  upper->publish({});
  EXPECT_EQ(both->get("a"), std::nullopt);
  EXPECT_EQ(contracts::layered(nullptr, lower), lower);
}

}  // namespace
}  // namespace unbolt::providers
