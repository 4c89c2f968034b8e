#include "unbolt/providers/config_file/config_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "unbolt/files/testing/scratch.h"
#include "unbolt/providers/config_file/flat_yaml.h"

namespace unbolt::providers {
namespace {

using contracts::ConfigValues;
using files::testing::Scratch;
namespace fs = std::filesystem;

TEST(FlatYaml, ScalarsAreWhatIsWritten) {
  EXPECT_EQ(
      *read_flat_yaml("a: 1\nb: yes\nc: 'it''s'\nd: \"x\\ny\"\ne: ''\n# done\nf g: 007\n"),
      (ConfigValues{
          {"a", "1"}, {"b", "yes"}, {"c", "it's"}, {"d", "x\ny"}, {"e", ""}, {"f g", "007"}}));
  EXPECT_EQ(*read_flat_yaml(R"({"a": "b", "port": 8080, "on": true})"),
            (ConfigValues{{"a", "b"}, {"port", "8080"}, {"on", "true"}}));
  EXPECT_EQ(*read_flat_yaml("a: |\n  two\n  lines\n"), (ConfigValues{{"a", "two\nlines\n"}}));
  EXPECT_TRUE(read_flat_yaml("{}")->empty());
}

TEST(FlatYaml, WhatElseThereIsIsAnError) {
  const auto why = [](std::string_view text) {
    const auto read = read_flat_yaml(text);
    return read ? std::string("none") : read.error().message;
  };
  EXPECT_EQ(why(""), "it is empty: write {} for no values");
  EXPECT_EQ(why("# nothing\n"), "it is empty: write {} for no values");
  EXPECT_EQ(why("just text"), "line 1: a value without a name: write NAME: VALUE");
  EXPECT_EQ(why("- a\n- b"), "line 1: a list where NAME: VALUE is expected");
  EXPECT_EQ(why("a: 1\nb:\n  c: 2"), "line 3: 'b' is a mapping: a value is text or a number");
  EXPECT_EQ(why("a: 1\nb: [1]"), "line 2: 'b' is a list: a value is text or a number");
  EXPECT_EQ(why("a: 1\nb:\n"), "line 2: 'b' has no value: write '' for an empty one");
  EXPECT_EQ(why("a: ~"), "line 1: 'a' has no value: write '' for an empty one");
  EXPECT_EQ(why("a: 1\na: 2"), "line 2: 'a' stands there twice");
  EXPECT_EQ(why("a: &x 1\nb: *x"), "line 1: anchors are not used here");
  EXPECT_EQ(why("a: !!int 1"), "line 1: tags are not used here");
  EXPECT_EQ(why("a: 1\n---\nb: 2"), "it holds a second document");
  EXPECT_EQ(why("a: \xff"), "it is not UTF-8 text");
  EXPECT_TRUE(read_flat_yaml("a: 1\n...\n"));
  EXPECT_TRUE(why("a: 'secret").starts_with("line ")) << why("a: 'secret");
  EXPECT_EQ(why("a: 'secret").find("secret"), std::string::npos);
  EXPECT_NE(why(std::string(100'000, '[')), "none");
  EXPECT_NE(why(std::string(100'000, '{')), "none");
}

// Lines that were written to it.
class TestLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    text_ += std::string(message) + "\n";
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class ConfigFile : public ::testing::Test {
 protected:
  Result<std::shared_ptr<ConfigFromFile>> open() {
    return ConfigFromFile::open(
        {(scratch / "settings.yaml").string(), std::chrono::milliseconds(10)}, log);
  }
  void replace(const std::string& text) {
    scratch.write("new", text);
    fs::rename(scratch / "new", scratch / "settings.yaml");
  }
  Scratch scratch;
  TestLog log;
};

TEST_F(ConfigFile, FollowsTheFile) {
  scratch.write("settings.yaml", "a: 1\n");
  auto config = open();
  ASSERT_TRUE(config) << config.error().message;
  const auto before = (*config)->snapshot();
  EXPECT_EQ((*config)->get("a"), "1");
  // In place, and by another file under its name; each as long as the one before.
  for (const char* value : {"2", "3"}) {
    scratch.write("settings.yaml", "a: " + std::string(value) + "\n");
    ASSERT_TRUE(eventually([&] { return (*config)->get("a") == value; })) << log.text();
    replace("b: " + std::string(value) + "\n");
    ASSERT_TRUE(eventually([&] { return (*config)->get("b") == value; })) << log.text();
    EXPECT_EQ((*config)->get("a"), std::nullopt);
  }
  EXPECT_EQ(before->at("a"), "1");
}

// Whoever writes in place is seen in the middle by nobody.
TEST_F(ConfigFile, WaitsForWhoeverWrites) {
  scratch.write("settings.yaml", "a: old\n");
  auto config = open();
  ASSERT_TRUE(config);
  std::string text;
  for (char c : std::string("a: new and long\nb: x\n")) {
    scratch.write("settings.yaml", text += c);
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    const auto seen = (*config)->get("a");
    EXPECT_TRUE(seen == "old" || seen == "new and long") << *seen;
  }
  EXPECT_TRUE(eventually([&] { return (*config)->get("b") == "x"; }));
  EXPECT_EQ((*config)->get("a"), "new and long");
}

TEST_F(ConfigFile, WhatCannotBeUsedChangesNothing) {
  scratch.write("settings.yaml", "password: hunter2\n");
  auto config = open();
  ASSERT_TRUE(config);
  for (const char* text :
       {"password: [hunter3]\n", "password: 'hunter3\n", "password: x: hunter3", "hunter3"}) {
    const auto lines = log.text();
    replace(text);
    ASSERT_TRUE(eventually([&] { return log.text() != lines; })) << text;
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_EQ((*config)->get("password"), "hunter2");
  }
  const auto lines = log.text();
  fs::remove(scratch / "settings.yaml");
  ASSERT_TRUE(eventually([&] { return log.text() != lines; }));
  EXPECT_EQ((*config)->get("password"), "hunter2");
  EXPECT_NE(log.text().find("settings.yaml': line 1: "), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("No such file"), std::string::npos) << log.text();
  EXPECT_EQ(std::ranges::count(log.text(), '\n'), 5) << log.text();
  EXPECT_EQ(log.text().find("hunter"), std::string::npos) << log.text();

  replace("password: hunter4\n");
  ASSERT_TRUE(eventually([&] { return (*config)->get("password") == "hunter4"; }));
}

TEST_F(ConfigFile, AFileThatIsWrongIsNotOpened) {
  EXPECT_EQ(open().error().code, ErrorCode::NotFound);
  scratch.write("settings.yaml", "a: [1]");
  EXPECT_EQ(open().error().code, ErrorCode::InvalidArgument);
  scratch.write("settings.yaml", std::string(2 << 20, '#'));
  EXPECT_EQ(open().error().code, ErrorCode::LimitExceeded);
  fs::remove(scratch / "settings.yaml");
  fs::create_directory(scratch / "settings.yaml");
  EXPECT_EQ(open().error().code, ErrorCode::InvalidArgument);
}

TEST_F(ConfigFile, OpensByUrl) {
  BlockingPool pool(1);
  contracts::ProviderContext context{log, pool};
  contracts::ProviderTable<contracts::Config> table({{"file", open_config_file}});
  scratch.write("settings.yaml", "a: 1");
  const std::string url = "file:" + (scratch / "settings.yaml").string();
  EXPECT_EQ((*table.open(url, context))->get("a"), "1");
  EXPECT_TRUE(table.open(url + "?every=200ms", context));
  EXPECT_FALSE(table.open(url + "?every=often", context));
  EXPECT_FALSE(table.open("file:", context));
}

}  // namespace
}  // namespace unbolt::providers
