// Against a fake chip behind libgpiod's functions, and the real libgpiod on files that are no
// chips. Neither is a kernel's chip: nothing here says what real lines do.
#include "unbolt/providers/pins_gpio/pins_gpio.h"

#include <fstream>

#include "unbolt/base/testing/temporary_folder.h"
#include "unbolt/contracts/testing/pins_suite.h"
#include "unbolt/providers/pins_gpio/testing/fake_chip.h"

namespace unbolt::providers {
namespace {

using namespace contracts;
using gpio::FakeChip;
using gpio::parse_pin_lines;
using ::testing::HasSubstr;

constexpr std::string_view kPins = "alert:output:17,lamp:output:18,door:input:27,mood:led:5/6/13";

const gpio::Library& fake() {
  static const gpio::Library library = FakeChip::library();
  return library;
}

Result<std::shared_ptr<PinBoard>> make_with(std::string_view pins) {
  UNBOLT_ASSIGN(auto lines, parse_pin_lines(pins));
  return make_pins_gpio({.chip = "/dev/fake", .pins = std::move(lines)}, fake(), stderr_log());
}

std::shared_ptr<Pins> make() {
  FakeChip::reset();
  auto board = make_with(kPins);
  EXPECT_TRUE(board) << board.error().message;
  return board.value_or(nullptr);
}

INSTANTIATE_TEST_SUITE_P(GpioFakeChip, PinsSuite,
                         ::testing::Values(PinsCase{"gpio", make,
                                                    [](Pins&, PinLevel level) {
                                                      FakeChip::drive(27, level == PinLevel::High);
                                                    },
                                                    false}));

class PinsGpioFakeChip : public ::testing::Test {
 protected:
  PinsGpioFakeChip() { FakeChip::reset(); }
  ~PinsGpioFakeChip() override { EXPECT_EQ(FakeChip::open, 0); }
  Error refused(std::string_view pins) {
    auto made = make_with(pins);
    return made ? Error{ErrorCode::Internal, "made", {}} : made.error();
  }
};

TEST_F(PinsGpioFakeChip, LinesFollowThePins) {
  auto board = make_with(kPins);
  ASSERT_TRUE(board);
  ASSERT_TRUE((*board)->set_level("alert", PinLevel::High).take());
  EXPECT_EQ(FakeChip::value(17), 1);
  EXPECT_EQ(FakeChip::value(18), 0);
  ASSERT_TRUE((*board)->set_color("mood", {128, 127, 255}).take());
  EXPECT_EQ(FakeChip::value(5), 1);
  EXPECT_EQ(FakeChip::value(6), 0);
  EXPECT_EQ(FakeChip::value(13), 1);
}

TEST_F(PinsGpioFakeChip, AnInputBeginsWithWhatItsWireHas) {
  FakeChip::drive(27, 1);
  auto board = make_with("door:input:27:pull-up:active-low");
  ASSERT_TRUE(board);
  EXPECT_EQ((*board)->get_level("door").take().value(), PinLevel::High);
  EXPECT_EQ(FakeChip::line(27).flags,
            GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP | GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW);
}

TEST_F(PinsGpioFakeChip, ALineThatFailsIsTheCallersErrorAndNothingIsKept) {
  auto board = make_with(kPins);
  ASSERT_TRUE(board);
  FakeChip::chip.lines[17].fails = EIO;
  FakeChip::chip.lines[27].fails = EIO;
  EXPECT_THAT(to_string((*board)->set_level("alert", PinLevel::High).take().error()),
              HasSubstr("Input/output error"));
  EXPECT_EQ((*board)->get_level("alert").take().value(), PinLevel::Low);
  EXPECT_THAT(to_string((*board)->get_level("door").take().error()), HasSubstr("cannot be read"));
}

TEST_F(PinsGpioFakeChip, ALineThatSomebodyHasIsAConflictThatNamesHim) {
  FakeChip::chip.lines[18].foreign = "spi0 CS0";
  const Error error = refused(kPins);
  EXPECT_EQ(error.code, ErrorCode::Conflict);
  EXPECT_EQ(error.message, "gpio: lamp: line 18: it is in use by spi0 CS0");
  EXPECT_FALSE(FakeChip::line(17).requested);
  EXPECT_THAT(refused("a:output:32").message, HasSubstr("the chip has the lines 0 to 31"));
}

TEST_F(PinsGpioFakeChip, NoRightToItIsDeniedWithWhatToDo) {
  FakeChip::open_fails = EACCES;
  const Error error = refused(kPins);
  EXPECT_EQ(error.code, ErrorCode::Denied);
  EXPECT_THAT(error.hint, HasSubstr("usermod -aG gpio"));
}

TEST(PinsGpio, PinsThatAreWrongAreSaidByName) {
  const auto refused = [](std::string_view pins) {
    auto parsed = parse_pin_lines(pins);
    return parsed ? std::string("parsed") : parsed.error().message;
  };
  EXPECT_THAT(refused(""), HasSubstr("no pin is named"));
  EXPECT_THAT(refused("a:output"), HasSubstr("'a:output': it has one line"));
  EXPECT_THAT(refused("a:led:1/2"), HasSubstr("RED/GREEN/BLUE"));
  EXPECT_THAT(refused("a:led:1/2/3/4"), HasSubstr("a number"));
  EXPECT_THAT(refused("a:output:-1"), HasSubstr("a number"));
  EXPECT_THAT(refused("a:output:99999999999"), HasSubstr("a number"));
  EXPECT_THAT(refused("a:output:1,b:led:2/1/3"), HasSubstr("line 1 has a pin already"));
  EXPECT_THAT(refused("a:output:1,a:output:2"), HasSubstr("there already"));
  EXPECT_THAT(refused("a:input:1:pull-up:pull-down"), HasSubstr("not both"));
  EXPECT_THAT(refused("a:input:1:pullup"), HasSubstr("active-low, pull-up and pull-down"));
  EXPECT_THAT(refused("a:lamp:1"), HasSubstr("its kind is input, output or led"));
  EXPECT_EQ(parse_pin_lines("a:analog:1").error().code, ErrorCode::Unsupported);
}

// The real library, where there is no chip.
class PinsGpioNoChip : public ::testing::Test {
 protected:
  Error refused(const std::string& chip) {
    auto opened = table.open("gpio:" + chip + "?pins=alert:output:17", context);
    return opened ? Error{ErrorCode::Internal, "opened", {}} : opened.error();
  }
  BlockingPool pool{1};
  ProviderContext context{stderr_log(), pool};
  ProviderTable<Pins> table{{{"gpio", open_pins_gpio}}};
};

TEST_F(PinsGpioNoChip, AFileThatIsNoChipIsRefused) {
  TemporaryFolder folder;
  std::ofstream(folder.path() + "/plain") << "x";
  for (const std::string& path :
       {std::string("/dev/null"), folder.path() + "/plain", folder.path()}) {
    const Error error = refused(path);
    EXPECT_EQ(error.code, ErrorCode::InvalidArgument) << path << ": " << error.message;
    EXPECT_EQ(error.message, "gpio:" + path + ": it is no GPIO chip");
  }
}

TEST_F(PinsGpioNoChip, AMissingChipIsNotFound) {
  for (const char* chip : {"/dev/gpiochip99", "gpiochip99"}) {
    const Error error = refused(chip);
    EXPECT_EQ(error.code, ErrorCode::NotFound);
    EXPECT_EQ(error.message, "gpio:/dev/gpiochip99: No such file or directory");
    EXPECT_THAT(error.hint, HasSubstr("ls /dev/gpiochip*"));
  }
}

}  // namespace
}  // namespace unbolt::providers
