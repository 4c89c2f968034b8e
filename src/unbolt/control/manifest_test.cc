#include "unbolt/control/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "unbolt/control/testing/context.h"
#include "unbolt/control/testing/golden.h"

namespace unbolt::control {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Manifest, MayBeOneComponentAlone) {
  const DesiredState state = parse_good("components: {orders: ./orders.wasm}");
  EXPECT_EQ(state.name, "shop") << "the folder's name";
  ASSERT_EQ(state.components.size(), 1u);
  EXPECT_EQ(state.components.at("orders").image, "/srv/shop/orders.wasm");
  EXPECT_EQ(state.components.at("orders").limits, ComponentLimits{});
  EXPECT_TRUE(state.routes.empty()) << "who takes / only the host knows";
}

TEST(Manifest, HasEveryField) {
  const DesiredState state = parse_good(R"(
name: shop
components:
  orders:
    image: registry.example/shop/orders:1.2
    digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    links:
      wasi:keyvalue: Redis://app:${REDIS_PASSWORD}@db:6379/0
      acme:shop/pricing: component:pricing
      wasi:blobstore: {"": 'file:blobs', invoices: 'file:/var/invoices'}
    config: {currency: EUR, debug: true, price: 007, text: "${UNSET:-none} $${A} $5"}
    secrets: {key: env:KEY, cert: file:tls/cert.pem, salt: 'value:${REDIS_PASSWORD}'}
    grants: ['host:api.example.com', 'dir:./data::/data:ro', 'dir:/tmp']
    limits: {memory: 64MiB, time: 1500ms, instances: 10, concurrency: 5, isolation: reused:100}
  pricing: ../pricing/pricing.wasm
routes:
  - {host: Shop.Example, path: /orders/, to: orders}
  - {host: '*.shop.example', to: pricing}
topics:
  - {subject: 'orders.*', to: orders, from: 'nats://h:4222', group: billing}
)");
  const ComponentState& orders = state.components.at("orders");
  EXPECT_FALSE(orders.is_file());
  EXPECT_TRUE(orders.digest.starts_with("sha256:0123"));
  EXPECT_EQ(orders.links.at({"wasi:keyvalue", ""}), "redis://app:hunter2@db:6379/0");
  EXPECT_EQ(orders.links.at({"acme:shop/pricing", ""}), "component:pricing");
  EXPECT_EQ(orders.links.at({"wasi:blobstore", ""}), "file:/srv/shop/blobs");
  EXPECT_EQ(orders.links.at({"wasi:blobstore", "invoices"}), "file:/var/invoices");
  EXPECT_EQ(orders.config.at("debug"), "true");
  EXPECT_EQ(orders.config.at("price"), "007") << "as it is written";
  EXPECT_EQ(orders.config.at("text"), "none ${A} $5");
  EXPECT_EQ(orders.secrets.at("key"), "env:KEY");
  EXPECT_EQ(orders.secrets.at("cert"), "file:/srv/shop/tls/cert.pem");
  EXPECT_EQ(orders.secrets.at("salt"), "value:hunter2");
  EXPECT_THAT(orders.grants,
              ElementsAre("host:api.example.com", "dir:/srv/shop/data::/data:ro", "dir:/tmp"));
  EXPECT_EQ(orders.limits, (ComponentLimits{.memory_bytes = 64u << 20,
                                            .time = 1500ms,
                                            .instances = 10,
                                            .concurrency = 5,
                                            .reuse = 100}));
  EXPECT_EQ(state.components.at("pricing").image, "/srv/pricing/pricing.wasm");
  EXPECT_THAT(state.routes, ElementsAre(Route{"shop.example", "/orders", "orders"},
                                        Route{"*.shop.example", "/", "pricing"}));
  EXPECT_THAT(state.topics, ElementsAre(Topic{"orders.*", "orders", "nats://h:4222", "billing"}));
}

TEST(Manifest, LeavesOutWhomItIsForWhereThereIsOneAlone) {
  const DesiredState state = parse_good(
      "components: {orders: orders.wasm}\nroutes: [{path: /a}]\ntopics: [{subject: a}]\n");
  EXPECT_EQ(state.routes.at(0).to, "orders");
  EXPECT_EQ(state.topics.at(0).to, "orders");
}

TEST(Manifest, TakesEmptyFields) {
  const DesiredState state = parse_good(
      "components:\n  a:\n    image: a.wasm\n    links:\n    limits:\n    grants:\nroutes:\n");
  EXPECT_TRUE(state.components.at("a").links.empty());
}

TEST(Manifest, ReadsFilesOfEverySystem) {
  EXPECT_EQ(parse_good("\xef\xbb\xbf"
                       "components:\r\n  a: a.wasm\r\n")
                .components.size(),
            1u);
}

TEST(Manifest, NamesAnApplicationAfterItsFolder) {
  auto named = [](const char* folder) {
    return parse_manifest("components: {a: a.wasm}", "x", folder, test_context())->name;
  };
  EXPECT_EQ(named("/srv/My Shop (2)/"), "my-shop-2");
  EXPECT_EQ(named("/"), "application");
  EXPECT_EQ(named("/srv/shop/."), "shop");
}

TEST(Manifest, KeepsFilesBelowFoldersOfAnyName) {
  const auto state = parse_manifest(
      "components: {a: {image: a.wasm, links: {wasi:keyvalue: "
      "'sqlite:./x.db?busy_timeout=1s'}}}",
      "x", "/srv/50% off?", test_context());
  ASSERT_TRUE(state) << state.error().to_text();
  const std::string& url = state->components.at("a").links.at({"wasi:keyvalue", ""});
  EXPECT_EQ(url, "sqlite:/srv/50%25 off%3F/x.db?busy_timeout=1s");
  EXPECT_EQ(state->components.at("a").image, "/srv/50% off?/a.wasm");
  const auto odd = parse_manifest("components: {a: a.wasm}", "x", "/srv/\xff", test_context());
  ASSERT_FALSE(odd);
  EXPECT_THAT(odd.error().to_text(), HasSubstr("not UTF-8"));
}

// One file a mistake, or a few that go together.
TEST(Manifest, SaysWhatIsWrongAndWhere) {
  check_goldens("manifest",
                [](Golden& golden) { return errors_of(golden.sections["unbolt.yaml"]); });
}

TEST(Manifest, ShowsNoPassword) {
  for (const std::string_view url :
       {"redis://bob:hunter2@h%zz", "redis:/bob:hunter2@h", "redis//bob:hunter2@h",
        "reddis://bob:hunter2@h", "redis://bob:hunter2@h:1/?a", "nats2://hunter2@h",
        "redis://bob:hun/hunter2@h?=", "redis://h/?password=hunter2&x", "${NOT_A_URL}",
        "sqlite:x?password=hunter%", "redis://bob:\\thunter2@h"}) {
    for (const char* form :
         {"components: {{a: {{image: a.wasm, links: {{wasi:keyvalue: \"{}\"}}}}}}",
          "components:\n a:\n  image: a.wasm\n  links:\n   wasi:keyvalue: \"{}\"\n",
          "components:\n a:\n  image: a.wasm\n  links:\n   wasi:keyvalue: {{b: \"{}\"}}\n",
          "components:\n a: a.wasm\ntopics:\n - subject: x\n   from: \"{}\"\n"}) {
      const auto state = parse_manifest(fmt::format(fmt::runtime(form), url), "unbolt.yaml", "/srv",
                                        test_context());
      const std::string text = state ? "" : state.error().to_text();
      EXPECT_THAT(text, Not(HasSubstr("hunter"))) << text;
    }
  }
  for (const char* text :
       {"components:\n a:\n  secrets:\n   b: hunter2\n", "components: {a: {secrets: {b: hunter2}}}",
        "components:\n a: {secrets: {\n   b: hunter2}\n   }\n",
        "components:\n a:\n  secrets:\n   b: \"value:hunter2\n",
        "components:\n a:\n  secrets: hunter2\n", "components:\n a:\n  secrets:\n   - hunter2\n",
        "components:\n a:\n  secrets:\n   b:\n    hunter2\n",
        "components:\n a:\n  secrets:\n   b: |\n     hunter2\n   b: 'hunter2'\n"}) {
    const std::string diagnostics = errors_of(text);
    EXPECT_THAT(diagnostics, Not(HasSubstr("hunter"))) << diagnostics;
  }
}

TEST(Manifest, IsBounded) {
  EXPECT_THAT(errors_of(std::string(2u << 20, ' ')), HasSubstr("at most 1048576"));
  EXPECT_THAT(errors_of(std::string(100'000, '[')), HasSubstr("unbolt.yaml"));
  EXPECT_THAT(errors_of(std::string(100'000, '{')), HasSubstr("unbolt.yaml"));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_THAT(errors_of(deep), HasSubstr("nested more than 16 deep"));
  EXPECT_THAT(errors_of("a\xff: b"), HasSubstr("UTF-8"));
  EXPECT_THAT(errors_of(std::string("a\0b", 3)), HasSubstr("UTF-8"));
  std::string many = "components:\n";
  for (int i = 0; i < 500; ++i) many += fmt::format("  C{}: x.wasm\n", i);
  EXPECT_THAT(errors_of(many), HasSubstr("400 further mistakes"));
}

TEST(Manifest, OfAThousandComponentsIsQuick) {
  std::string text = "components:\n";
  for (int i = 0; i < 5000; ++i) {
    text += fmt::format("  c{}: {{image: c.wasm, links: {{a:b: 'component:c{}'}}}}\n", i, i + 1);
  }
  const std::string line = text + "  c5000: c.wasm\n";
  const std::string circle = text + "  c5000: {image: c.wasm, links: {a:b: 'component:c0'}}\n";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_good(line).components.size(), 5001u);
  EXPECT_THAT(errors_of(circle), HasSubstr("cycle: c0 -> c1 -> c2 -> "));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 20s);
}

}  // namespace
}  // namespace unbolt::control
