#include "unbolt/project/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "unbolt/base/testing/temporary_folder.h"

namespace unbolt::project {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SourcesTest : public ::testing::Test {
 protected:
  SourcesTest() {
    write("main.c", "one");
    write("src/deep/file.c", "one");
    write("build/main.o", "one");
    sources_.emplace(open());
  }
  Sources open() {
    auto opened = Sources::open(root(), {root() / "build", root() / "app.wasm"}, root() / ".made");
    if (!opened) ADD_FAILURE() << opened.error().message;
    return std::move(*opened);
  }
  fs::path root() { return folder_.path(); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root() / path).parent_path());
    std::ofstream(root() / path) << text;
  }

  TemporaryFolder folder_;
  std::optional<Sources> sources_;
};

TEST_F(SourcesTest, EditIsSeen) {
  write("main.c", "two!");
  EXPECT_THAT(sources_->edited(), ElementsAre("main.c"));
  EXPECT_THAT(sources_->edited(), IsEmpty());
  write("src/deep/file.c", "three");
  EXPECT_THAT(sources_->edited(), ElementsAre("src/deep/file.c"));
}

TEST_F(SourcesTest, SavingAnewAsEditorsDoIsAnEdit) {
  write("main.c~", "one");
  write(".main.c.swp", "two!");
  write("4913", "");
  fs::rename(root() / ".main.c.swp", root() / "main.c");
  EXPECT_THAT(sources_->edited(), ElementsAre("main.c"));
}

TEST_F(SourcesTest, SameTextAgainIsNoEdit) {
  write("main.c", "two!");
  EXPECT_THAT(sources_->edited(), ElementsAre("main.c"));
  write("main.c", "two!");
  EXPECT_THAT(sources_->edited(), IsEmpty());
}

TEST_F(SourcesTest, NewFoldersAreWatched) {
  write("lib/more/new.c", "one");
  EXPECT_THAT(sources_->edited(), ElementsAre("lib/more/new.c"));
  write("lib/more/new.c", "two!");
  EXPECT_THAT(sources_->edited(), ElementsAre("lib/more/new.c"));
  fs::remove(root() / "lib/more/new.c");
  EXPECT_THAT(sources_->edited(), ElementsAre("lib/more/new.c"));
}

TEST_F(SourcesTest, OutputsAndLitterAreNone) {
  write("build/main.o", "two!");
  write("build/deep/x.o", "two!");
  write("app.wasm", "two!");
  write(".git/index", "two!");
  write("node_modules/a/b.js", "two!");
  write("target/debug/x", "two!");
  EXPECT_THAT(sources_->edited(), IsEmpty());
}

TEST_F(SourcesTest, WhatABuildMakesIsNoEdit) {
  sources_->build_begins("app");
  write("bindings.c", "one");
  EXPECT_THAT(sources_->edited(), IsEmpty());
  sources_->build_ends("app");
  sources_->build_begins("app");
  write("bindings.c", "two!");
  EXPECT_THAT(sources_->edited(), IsEmpty());
  sources_->build_ends("app");
  // Also for the next one who watches.
  sources_.emplace(open());
  sources_->build_begins("app");
  write("bindings.c", "three");
  EXPECT_THAT(sources_->edited(), IsEmpty());
  sources_->build_ends("app");
  // Nobody but its author edits it now.
  write("bindings.c", "four!!");
  EXPECT_THAT(sources_->edited(), ElementsAre("bindings.c"));
}

TEST_F(SourcesTest, EditWhileABuildRunsIsSeen) {
  sources_->build_begins("app");
  write("main.c", "two!");
  EXPECT_THAT(sources_->edited(), ElementsAre("main.c"));
  sources_->build_ends("app");
}

TEST_F(SourcesTest, BuildThatRewritesASourceIsNotRepeatedForEver) {
  int builds = 0;
  for (bool again = true; again; ++builds) {
    ASSERT_LT(builds, 10);
    sources_->build_begins("app");
    write("main.c", std::string(static_cast<std::size_t>(builds) + 5, 'x'));
    again = !sources_->edited().empty();
    sources_->build_ends("app");
  }
  EXPECT_EQ(builds, 4);
}

// One that runs all the while hides nothing of what another one does, and is not blamed for it.
TEST_F(SourcesTest, BuildsAtTheSameTime) {
  sources_->build_begins("slow");
  int builds = 0;
  for (bool again = true; again; ++builds) {
    ASSERT_LT(builds, 10);
    sources_->build_begins("app");
    write("main.c", std::string(static_cast<std::size_t>(builds) + 5, 'x'));
    again = !sources_->edited().empty();
    sources_->build_ends("app");
  }
  EXPECT_EQ(builds, 4);
  write("src/deep/file.c", "two!");
  EXPECT_THAT(sources_->edited(), ElementsAre("src/deep/file.c"));
  write("made.c", "one");
  EXPECT_THAT(sources_->edited(), IsEmpty()) << "a build runs still";
  sources_->build_ends("slow");
  write("new.c", "one");
  EXPECT_THAT(sources_->edited(), ElementsAre("new.c"));
}

TEST_F(SourcesTest, BuildThatMakesAFolderAnew) {
  for (int build = 0; build < 3; ++build) {
    sources_->build_begins("app");
    fs::remove_all(root() / "made");
    EXPECT_THAT(sources_->edited(), IsEmpty());
    write("made/deep/bindings.c", "text " + std::to_string(build));
    EXPECT_THAT(sources_->edited(), IsEmpty());
    fs::remove_all(root() / "made");
    write("made/deep/bindings.c", "other " + std::to_string(build));
    EXPECT_THAT(sources_->edited(), IsEmpty());
    sources_->build_ends("app");
  }
}

}  // namespace
}  // namespace unbolt::project
