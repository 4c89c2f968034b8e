#include "unbolt/providers/secrets_sources/secrets_sources.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <mutex>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/files/testing/scratch.h"

namespace unbolt::providers {
namespace {

using contracts::Secrets;
namespace fs = std::filesystem;

class TestLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    text += std::string(message) + "\n";
  }
  std::string text;

 private:
  std::mutex mutex_;
};

class SecretsFromSources : public ::testing::Test {
 protected:
  Result<std::shared_ptr<Secrets>> make(std::map<std::string, std::string> sources) {
    return make_secrets(std::move(sources), {log, pool});
  }
  // "none" where there is no such secret.
  Result<std::string> get(Secrets& secrets, std::string_view name) {
    UNBOLT_ASSIGN(const auto secret, run_task(loop, secrets.get(name).wait()));
    return secret ? std::string(as_text(secret->value())) : "none";
  }
  std::string file(const std::string& name, const std::string& content, bool owner_only = true) {
    scratch.write(name, content);
    fs::permissions(scratch / name, fs::perms(owner_only ? 0600 : 0644));
    return "file:" + (scratch / name).string();
  }

  files::testing::Scratch scratch;
  TestLog log;
  asio::io_context loop{1};
  BlockingPool pool{2};
};

TEST_F(SecretsFromSources, FindsWhatThereIs) {
  ::setenv("UNBOLT_TEST_SECRET", "from the environment", 1);
  auto secrets = make({{"e", "env:UNBOLT_TEST_SECRET"},
                       {"f", file("f", "from a file\n")},
                       {"v", "value:env:as it is"},
                       {"empty", "value:"}});
  ::unsetenv("UNBOLT_TEST_SECRET");
  ASSERT_TRUE(secrets) << secrets.error().message;
  EXPECT_EQ(*get(**secrets, "e"), "from the environment");
  EXPECT_EQ(*get(**secrets, "f"), "from a file");
  EXPECT_EQ(*get(**secrets, "v"), "env:as it is");
  EXPECT_EQ(*get(**secrets, "empty"), "");
  EXPECT_EQ(*get(**secrets, "other"), "none");
  EXPECT_EQ(log.text, "");
}

TEST_F(SecretsFromSources, BytesStayAsTheyAre) {
  auto secrets = make({{"bytes", file("bytes", "\xff\xfe\n")},
                       {"lines", file("lines", "a\nb\n\n")},
                       {"newline", file("newline", "\n")}});
  ASSERT_TRUE(secrets);
  EXPECT_EQ(*get(**secrets, "bytes"), "\xff\xfe\n");
  EXPECT_EQ(*get(**secrets, "lines"), "a\nb\n");
  EXPECT_EQ(*get(**secrets, "newline"), "");
}

TEST_F(SecretsFromSources, AFileIsReadEachTime) {
  auto secrets = make({{"f", file("f", "old")}});
  ASSERT_TRUE(secrets);
  auto held = *run_task(loop, (*secrets)->get("f").wait());
  EXPECT_EQ(held, *run_task(loop, (*secrets)->get("f").wait())) << "one in memory";
  (void)file("f", "new");
  EXPECT_EQ(*get(**secrets, "f"), "new");
  EXPECT_EQ(as_text(held->value()), "old");
  fs::remove(scratch / "f");
  const auto gone = get(**secrets, "f");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::Io);
  EXPECT_EQ(gone.error().message, "the secret 'f' cannot be read");
  EXPECT_NE(log.text.find((scratch / "f").string()), std::string::npos) << log.text;
  (void)file("f", "back");
  EXPECT_EQ(*get(**secrets, "f"), "back");
}

TEST_F(SecretsFromSources, WarnsOfFilesThatOthersMayRead) {
  auto secrets = make({{"f", file("f", "hunter2", false)}});
  ASSERT_TRUE(secrets);
  EXPECT_NE(log.text.find("others than its owner may read"), std::string::npos) << log.text;
  EXPECT_NE(log.text.find("chmod 600"), std::string::npos);
  const std::string once = log.text;
  EXPECT_EQ(*get(**secrets, "f"), "hunter2");
  EXPECT_EQ(log.text, once);
  EXPECT_EQ(log.text.find("hunter2"), std::string::npos);
}

TEST_F(SecretsFromSources, WhatIsWrongIsSaidWithoutTheValue) {
  const auto wrong = [&](std::map<std::string, std::string> sources) {
    auto secrets = make(std::move(sources));
    EXPECT_FALSE(secrets);
    return secrets ? Error{} : secrets.error();
  };
  const Error plain = wrong({{"a", "value:fine"}, {"key", "hunter2"}});
  EXPECT_EQ(plain.code, ErrorCode::InvalidArgument);
  EXPECT_EQ(plain.message, "the secret 'key': it is not said where it comes from");
  EXPECT_NE(plain.hint.find("env:VARIABLE"), std::string::npos);
  EXPECT_EQ(wrong({{"key", "evn:HUNTER"}}).message.find("HUNTER"), std::string::npos);
  EXPECT_EQ(wrong({{"key", "env:UNBOLT_NO_SUCH"}}).message,
            "the secret 'key': the environment variable 'UNBOLT_NO_SUCH' is not set");
  EXPECT_EQ(wrong({{"key", "file:"}}).code, ErrorCode::InvalidArgument);
  EXPECT_EQ(wrong({{"key", "file:/nonexistent/key"}}).code, ErrorCode::NotFound);
  EXPECT_EQ(wrong({{"key", "file:/"}}).code, ErrorCode::Io);
  EXPECT_EQ(wrong({{"key", file("large", std::string(70'000, 'x'))}}).code,
            ErrorCode::LimitExceeded);
}

TEST_F(SecretsFromSources, AnAnswerOutlivesTheProvider) {
  auto secrets = make({{"f", file("f", "v")}});
  ASSERT_TRUE(secrets);
  auto answer = (*secrets)->get("f");
  secrets->reset();
  EXPECT_EQ(as_text((*run_task(loop, std::move(answer).wait()))->value()), "v");
}

TEST(Secret, IsWiped) {
  Bytes bytes = to_bytes(as_bytes("hunter2"));
  contracts::wipe(bytes);
  EXPECT_EQ(bytes, Bytes(7, 0));
}

}  // namespace
}  // namespace unbolt::providers
