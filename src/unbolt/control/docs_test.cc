// What docs/manifest.md says is true. UNBOLT_UPDATE_GOLDENS=1 writes its table of fields.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "unbolt/control/plan.h"
#include "unbolt/control/reference.h"
#include "unbolt/control/shape.h"
#include "unbolt/control/testing/context.h"

namespace unbolt::control {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFile = UNBOLT_GOLDENS "/../../docs/manifest.md";
constexpr std::string_view kFields = "## Fields\n\n";

std::string document() {
  std::ifstream in(kFile);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What stands between ```LANGUAGE and ```.
std::vector<std::string> blocks(std::string_view text, std::string_view language) {
  std::vector<std::string> found;
  std::string* block = nullptr;
  bool inside = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with("```")) {
      inside = !inside;
      block = inside && line.substr(3) == language ? &found.emplace_back() : nullptr;
    } else if (block) {
      block->append(line).append("\n");
    }
  }
  return found;
}

TEST(Docs, ManifestsAreGood) {
  const auto manifests = blocks(document(), "yaml");
  ASSERT_EQ(manifests.size(), 2u);
  for (const auto& manifest : manifests) parse_good(manifest);
}

// Every field there is stands in the larger example.
void expect_fields(const Shape& shape, const std::string& text) {
  for (const Field& field : shape.fields) {
    EXPECT_THAT(text, HasSubstr(std::string(field.name) + ":"));
    for (const Shape* inner = &field.shape; inner; inner = inner->item) {
      if (!inner->fields.empty()) expect_fields(*inner, text);
    }
  }
}

TEST(Docs, ExampleHasEveryField) {
  expect_fields(kManifestShape, blocks(document(), "yaml").at(1));
}

TEST(Docs, MistakeIsAsItIsShown) {
  const std::string text = errors_of(
      "components:\n  orders:\n    image: ./orders.wasm\n    links:\n      wasi:keyvalu: memory\n");
  EXPECT_EQ(text, blocks(document(), "").at(0));
}

TEST(Docs, PlanIsAsItIsShown) {
  const DesiredState actual =
      parse_good("components: {orders: {image: o.wasm, links: {wasi:keyvalue: memory}}}\n");
  const DesiredState desired = parse_good(R"(
components:
  orders:
    image: o.wasm
    links:
      wasi:keyvalue: redis://shop:x@127.0.0.1:6379/0
      acme:shop/pricing: component:pricing
  pricing: ./pricing.wasm
routes: [{path: /prices, to: pricing}]
)");
  EXPECT_EQ(to_text(make_plan(desired, actual)), blocks(document(), "").at(1));
}

TEST(Docs, FieldsAreThoseOfTheParser) {
  const std::string text = document();
  const std::size_t start = text.find(kFields) + kFields.size();
  if (std::getenv("UNBOLT_UPDATE_GOLDENS")) {
    std::ofstream(kFile) << text.substr(0, start) << manifest_reference();
  } else {
    EXPECT_EQ(text.substr(start), manifest_reference());
  }
}

}  // namespace
}  // namespace unbolt::control
