#include "unbolt/host/component_pool.h"

#include <gtest/gtest.h>

namespace unbolt::host {
namespace {

TEST(Isolation, Parses) {
  EXPECT_TRUE(parse_isolation("fresh")->fresh());
  EXPECT_EQ(parse_isolation("reused:1000")->requests, 1000u);
  EXPECT_TRUE(parse_isolation("reused:1")->fresh());
  for (const auto text : {"", "Fresh", "reused", "reused:", "reused:0", "reused:-1", "reused:1x",
                          "reused:99999999999"}) {
    EXPECT_FALSE(parse_isolation(text)) << text;
  }
}

}  // namespace
}  // namespace unbolt::host
