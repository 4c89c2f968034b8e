#include "unbolt/contracts/messaging.h"

#include <gtest/gtest.h>

namespace unbolt::contracts {
namespace {

std::optional<ErrorCode> code(const Result<>& result) {
  if (result) return std::nullopt;
  EXPECT_FALSE(result.error().message.empty());
  return result.error().code;
}

TEST(Subjects, Match) {
  EXPECT_TRUE(subject_matches("a.b", "a.b"));
  EXPECT_FALSE(subject_matches("a.b", "a.b.c"));
  EXPECT_FALSE(subject_matches("a.b.c", "a.b"));
  EXPECT_TRUE(subject_matches("a.*", "a.b"));
  EXPECT_TRUE(subject_matches("*.*", "a.b"));
  EXPECT_FALSE(subject_matches("a.*", "a"));
  EXPECT_FALSE(subject_matches("a.*", "a.b.c"));
  EXPECT_TRUE(subject_matches("a.>", "a.b.c"));
  EXPECT_FALSE(subject_matches("a.>", "a"));
  EXPECT_TRUE(subject_matches(">", "a"));
  EXPECT_FALSE(subject_matches("a*", "ab"));
}

TEST(Subjects, Meet) {
  EXPECT_TRUE(patterns_meet("a.b", "a.*"));
  EXPECT_TRUE(patterns_meet("a.*.c", "a.b.>"));
  EXPECT_TRUE(patterns_meet("*.b", "a.*"));
  EXPECT_FALSE(patterns_meet("a.>", "a"));
  EXPECT_FALSE(patterns_meet("a.b", "a.c"));
  EXPECT_FALSE(patterns_meet("a.*", "a.b.c"));
}

TEST(Subjects, BadOnesAreRefused) {
  for (std::string_view subject : {"", ".", "a.", ".a", "a..b", "a b", "a\n", "a\tb", "*", "a.*",
                                   ">", "a.>", "a.>.b", "a\x7f"}) {
    EXPECT_EQ(code(check_message({subject, {}, {}})), ErrorCode::InvalidArgument) << subject;
    EXPECT_EQ(code(check_message({"a", {}, subject})), ErrorCode::InvalidArgument) << subject;
  }
  EXPECT_EQ(code(check_message({"$JS.API.STREAM.DELETE.X", {}, {}})), ErrorCode::Denied);
  EXPECT_EQ(code(check_message({"a", {}, "$JS.API.STREAM.DELETE.X"})), ErrorCode::Denied);
  EXPECT_EQ(code(check_request("$SYS.REQ", {})), ErrorCode::Denied);
  EXPECT_EQ(code(check_message({std::string(MessagingLimits::kSubject + 1, 'a'), {}, {}})),
            ErrorCode::LimitExceeded);
  const Bytes large(MessagingLimits::kBody + 1);
  EXPECT_EQ(code(check_message({"a", large, {}})), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(check_request("a", large)), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(check_message({"a.b-c.ü.*d", {}, "_INBOX.1"})), std::nullopt);

  for (std::string_view subject : {"", "a.>.b", "a..*", "a b"}) {
    EXPECT_EQ(code(check_subscribe({std::string(subject), {}, {}})), ErrorCode::InvalidArgument);
  }
  EXPECT_EQ(code(check_subscribe({"$KV.>", {}, {}})), ErrorCode::Denied);
  EXPECT_EQ(code(check_subscribe({"a.*.>", "group-1", "name_2"})), std::nullopt);
  for (std::string_view name : {"", "a.b", "a b", "*"}) {
    EXPECT_EQ(code(check_subscribe({"a", std::string(name), {}})), ErrorCode::InvalidArgument);
    EXPECT_EQ(code(check_subscribe({"a", {}, std::string(name)})), ErrorCode::InvalidArgument);
  }
  EXPECT_EQ(code(check_subscribe({"a", {}, {}, 0})), ErrorCode::InvalidArgument);
}

TEST(Delivery, DroppedIsFailed) {
  std::vector<Delivery::Outcome> outcomes;
  auto make = [&] {
    return Delivery(std::make_shared<const Message>(), 1,
                    [&](Delivery::Outcome outcome) { outcomes.push_back(outcome); });
  };
  {
    auto delivery = make();
  }
  {
    auto delivery = make();
    auto moved = std::move(delivery);
    moved.handled();
    moved.failed();
  }
  EXPECT_EQ(outcomes, (std::vector{Delivery::Outcome::Failed, Delivery::Outcome::Handled}));
}

}  // namespace
}  // namespace unbolt::contracts
