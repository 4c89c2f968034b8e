#include "unbolt/providers/messaging_mqtt/topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unbolt::providers::mqtt_messaging {
namespace {

TEST(Topics, SubjectsAreTopicsAndBack) {
  const std::pair<std::string, std::string> pairs[] = {
      {"a", "a"},           {"a.b.c", "a/b/c"},    {"/.a", "/a"},  {"a./", "a/"},
      {"a./.b", "a//b"},    {"v1//2.a", "v1.2/a"}, {"////", ".."}, {"/./", "/"},
      {"a//./.b", "a.//b"}, {"käse.$x", "käse/$x"}};
  for (const auto& [subject, topic] : pairs) {
    const auto there = topic_of(subject);
    ASSERT_TRUE(there) << subject << ": " << there.error().message;
    EXPECT_EQ(*there, topic);
    EXPECT_EQ(subject_of(topic), subject);
  }
}

TEST(Topics, WildcardsOfSubscriptions) {
  EXPECT_EQ(*filter_of("a.*.c"), "a/+/c");
  EXPECT_EQ(*filter_of("a.>"), "a/+/#");
  EXPECT_EQ(*filter_of(">"), "#");
  EXPECT_EQ(*filter_of("*"), "+");
  EXPECT_EQ(*filter_of("*.>"), "+/+/#");
}

TEST(Topics, WhatNoTopicCanSayIsRefused) {
  for (const std::string subject : {"a/b", "a+.b", "a.#", "a.///", "/$SYS/x", ""})
    EXPECT_EQ(topic_of(subject).error().code, ErrorCode::InvalidArgument) << subject;
  EXPECT_THAT(topic_of("sensors/1").error().hint, ::testing::HasSubstr("'.'"));
  EXPECT_THAT(topic_of("sensors.+").error().hint, ::testing::HasSubstr("'*'"));
}

TEST(Topics, AnAnswerFindsTheQuestion) {
  const ReplyTo reply_to{"answers/1", {0, 0xff, 0x2e}};
  const auto subject = subject_of(reply_to);
  EXPECT_EQ(subject, "answers.1.$correlation-00ff2e");
  const auto again = reply_to_of(subject);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->topic, reply_to.topic);
  EXPECT_EQ(again->correlation, reply_to.correlation);
  EXPECT_EQ(reply_to_of("a.$correlation-0")->topic, "a/$correlation-0");
  EXPECT_EQ(reply_to_of("a.$correlation-0x")->topic, "a/$correlation-0x");
  EXPECT_EQ(subject_of(ReplyTo{"a", Bytes(1000)}), "");
}

}  // namespace
}  // namespace unbolt::providers::mqtt_messaging
