#include "unbolt/providers/pins_memory/pins_memory.h"

#include "unbolt/contracts/testing/pins_suite.h"

namespace unbolt::providers {
namespace {

using namespace contracts;

std::shared_ptr<PinBoard> make() {
  auto board = make_pins_memory(
      {parse_pins("alert:output,lamp:output,door:input,dimmer:analog,mood:led").value(), {}});
  EXPECT_TRUE(board);
  return board.value_or(nullptr);
}

INSTANTIATE_TEST_SUITE_P(Memory, PinsSuite,
                         ::testing::Values(PinsCase{"memory", make, [](Pins& pins, PinLevel level) {
                                                      static_cast<PinBoard&>(pins).drive("door",
                                                                                         level);
                                                    }}));

using std::chrono::seconds;

class PinsMemoryUrl : public ::testing::Test {
 protected:
  Result<std::shared_ptr<Pins>> open(const std::string& url) { return table.open(url, context); }
  std::string refused(const std::string& url) {
    auto opened = open(url);
    return opened ? "opened" : opened.error().message;
  }

  BlockingPool pool{1};
  ProviderContext context{stderr_log(), pool};
  ProviderTable<Pins> table{{{"memory", open_pins_memory}}};
};

TEST_F(PinsMemoryUrl, AWireLeadsFromAnOutputToAnInput) {
  auto board = open("memory:?pins=bell:output,door:input,hatch:input&wires=bell:door,bell:hatch");
  ASSERT_TRUE(board) << board.error().message;
  auto watch = (*board)->watch("hatch").take();
  ASSERT_TRUE(watch);
  ASSERT_TRUE((*board)->set_level("bell", PinLevel::High).take());
  ASSERT_TRUE((*board)->set_level("bell", PinLevel::High).take());
  EXPECT_EQ((*board)->get_level("door").take().value(), PinLevel::High);
  EXPECT_EQ((*watch)->next(seconds(1)).take().value(), PinEdge{PinLevel::High});
  ASSERT_TRUE((*watch)->next(seconds(0)).ready());
}

TEST_F(PinsMemoryUrl, AFloodKeepsTheLatest) {
  auto board = open("memory:?pins=bell:output,door:input&wires=bell:door");
  ASSERT_TRUE(board) << board.error().message;
  auto watch = (*board)->watch("door").take();
  for (std::size_t i = 0; i < PinLimits::kEdges + 10; ++i)
    (void)(*board)->set_level("bell", i % 2 == 0 ? PinLevel::High : PinLevel::Low).take();
  EXPECT_EQ((*watch)->next(seconds(0)).take().value(), (PinEdge{PinLevel::High, 10}));
  EXPECT_EQ((*watch)->next(seconds(0)).take().value(), PinEdge{PinLevel::Low});
}

TEST_F(PinsMemoryUrl, WithoutPinsThereIsOneOfEachKind) {
  auto board = open("memory:");
  ASSERT_TRUE(board) << board.error().message;
  EXPECT_EQ((*board)->pins().take().value().size(), 4u);
}

TEST_F(PinsMemoryUrl, WhatIsWrongIsSaidByName) {
  using ::testing::HasSubstr;
  EXPECT_THAT(refused("memory:?pin=a:led"), HasSubstr("no option 'pin'"));
  EXPECT_THAT(refused("memory:?pins="), HasSubstr("no pin is named"));
  EXPECT_THAT(refused("memory:?pins=a:lamp"), HasSubstr("'a:lamp': its kind is input"));
  EXPECT_THAT(refused("memory:?pins=a"), HasSubstr("its kind is input"));
  EXPECT_THAT(refused("memory:?pins=a:led,a:input"), HasSubstr("there already"));
  EXPECT_THAT(refused("memory:?pins=:led"), HasSubstr("a pin's name is letters"));
  EXPECT_THAT(refused("memory:?pins=a:led:5"), HasSubstr("only an analog pin"));
  EXPECT_THAT(refused("memory:?pins=a:analog:5V"), HasSubstr("millivolts"));
  EXPECT_THAT(refused("memory:?pins=a:analog:99999999999"), HasSubstr("millivolts"));
  EXPECT_THAT(refused("memory:?pins=a:output,b:input&wires=b:a"), HasSubstr("'b' is no output"));
  EXPECT_THAT(refused("memory:?pins=a:output,b:input&wires=a"), HasSubstr("'a' is no wire"));
  EXPECT_THAT(refused("memory:?pins=a:output,b:input&wires=a:b,a:b"), HasSubstr("two lead to"));
  std::string many = "memory:?pins=";
  for (int i = 0; i < 257; ++i) many += fmt::format("{}p{}:led", i ? "," : "", i);
  EXPECT_THAT(refused(many), HasSubstr("256 pins at most"));
}

}  // namespace
}  // namespace unbolt::providers
