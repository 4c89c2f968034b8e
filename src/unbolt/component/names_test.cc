#include "unbolt/component/names.h"

#include <gtest/gtest.h>

namespace unbolt::component {
namespace {

TEST(Names, TracksOfVersions) {
  struct Case {
    std::string_view name, track;
  };
  for (const auto& [name, track] : {
           Case{"wasi:io/streams@0.2.0", "wasi:io/streams@0.2"},
           {"wasi:io/streams@0.2.12", "wasi:io/streams@0.2"},
           {"wasi:io/streams@0.3.0", "wasi:io/streams@0.3"},
           {"a:b/c@1.4.0", "a:b/c@1"},
           {"a:b/c@1.0.0", "a:b/c@1"},
           {"a:b/c@10.0.0", "a:b/c@10"},
           {"a:b/c@0.0.1", "a:b/c@0.0.1"},
           {"a:b/c@0.10.1", "a:b/c@0.10"},
           {"wasi:keyvalue/store@0.2.0-draft", "wasi:keyvalue/store@0.2.0-draft"},
           {"a:b/c@1.0.0-rc.1", "a:b/c@1.0.0-rc.1"},
           {"a:b/c@1.0.0+build", "a:b/c@1.0.0+build"},
           {"a:b/c", "a:b/c"},
           {"run", "run"},
           {"a:b/c@1", "a:b/c@1"},
           {"a:b/c@1.2", "a:b/c@1.2"},
           {"a:b/c@", "a:b/c@"},
           {"", ""},
       }) {
    EXPECT_EQ(track_of(name), track) << name;
  }
}

TEST(Names, Split) {
  EXPECT_EQ(split_version("a:b/c@1.2.3").path, "a:b/c");
  EXPECT_EQ(split_version("a:b/c@1.2.3").version, "1.2.3");
  EXPECT_EQ(split_version("a:b/c").path, "a:b/c");
  EXPECT_EQ(split_version("a:b/c").version, "");
}

TEST(NamesInterface, BySemverInEveryVersionOrByPackage) {
  for (const auto* contract : {"a:b/c@1.2.0", "a:b/c@1.9.0", "a:b/c", "a:b", "a:b@1.0.0"})
    EXPECT_TRUE(names_interface(contract, "a:b/c@1.2.3")) << contract;
  for (const auto* contract :
       {"a:b/c@2.0.0", "a:b/d", "a:b/cc", "a", "a:bb", "a:b@2.0.0", "a:b/c@1.2.3-rc", "", "/c"})
    EXPECT_FALSE(names_interface(contract, "a:b/c@1.2.3")) << contract;
  EXPECT_TRUE(names_interface("a:b/c", "a:b/c"));
  EXPECT_FALSE(names_interface("a:b/c@1.0.0", "a:b/c"));
}

}  // namespace
}  // namespace unbolt::component
