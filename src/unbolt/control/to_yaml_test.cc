#include <gtest/gtest.h>

#include <random>

#include "unbolt/control/manifest.h"
#include "unbolt/control/testing/context.h"
#include "unbolt/control/testing/random_state.h"

namespace unbolt::control {
namespace {

TEST(ToYaml, IsReadBackAsTheSameState) {
  std::mt19937 random(1);
  ManifestContext nowhere = test_context();
  nowhere.variable = {};
  for (int i = 0; i < 2000; ++i) {
    const DesiredState state = random_state(random);
    const std::string text = to_yaml(state);
    const auto read = parse_manifest(text, "state", "/elsewhere", nowhere);
    ASSERT_TRUE(read) << read.error().to_text() << "\n" << text;
    ASSERT_EQ(to_yaml(*read), text);
    ASSERT_TRUE(*read == state) << text;
  }
}

TEST(ToYaml, IsReadable) {
  const DesiredState state = parse_good(
      "components: {orders: {image: o.wasm, links: {wasi:keyvalue: memory}, limits: {time: 5s}}}\n"
      "routes: [{path: /orders}]\n");
  EXPECT_EQ(to_yaml(state), R"(name: shop
components:
  orders:
    image: /srv/shop/o.wasm
    links:
      wasi:keyvalue:
        "": "memory:"
    limits:
      time: 5s
routes:
  - path: /orders
    to: orders
)");
}

}  // namespace
}  // namespace unbolt::control
