#include "unbolt/providers/pins_simulator/pins_simulator.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "unbolt/base/testing/temporary_folder.h"
#include "unbolt/contracts/testing/pins_suite.h"
#include "unbolt/files/descriptor.h"
#include "unbolt/providers/pins_simulator/drawing.h"
#include "unbolt/providers/pins_simulator/event_file.h"

namespace unbolt::providers {
namespace {

using namespace contracts;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kPins = "alert:output,lamp:output,door:input,dimmer:analog,mood:led";

std::shared_ptr<PinBoard> make(PinsSimulatorOptions options) {
  options.pins = parse_pins(kPins).value();
  auto board = make_pins_simulator(std::move(options), stderr_log());
  EXPECT_TRUE(board) << board.error().message;
  return board.value_or(nullptr);
}

int nowhere() {
  static const int file = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  return file;
}

INSTANTIATE_TEST_SUITE_P(Simulator, PinsSuite,
                         ::testing::Values(PinsCase{
                             "simulator", [] { return make({.output = nowhere()}); },
                             [](Pins& pins, PinLevel level) {
                               static_cast<PinBoard&>(pins).drive("door", level);
                             }}));

class PinsSimulator : public ::testing::Test {
 protected:
  std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void press(const std::string& path, std::string_view lines) {
    const int fifo = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(fifo, 0);
    EXPECT_EQ(::write(fifo, lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
    ::close(fifo);
  }
  PinResult<std::optional<PinEdge>> next(PinWatch& watch) {
    auto edge = watch.next(5s);
    if (edge.ready()) return std::move(edge).take();
    return run_task(loop, std::move(edge).task());
  }

  TemporaryFolder folder;
  asio::io_context loop;
};

TEST_F(PinsSimulator, TellsEachChangeAsALineAndAsJson) {
  const std::string events = folder.path() + "/events", shown = folder.path() + "/shown";
  const int output = ::open(shown.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  auto board = make({.events = events, .output = output});
  ASSERT_TRUE(board);
  ASSERT_TRUE(board->set_level("alert", PinLevel::High).take());
  ASSERT_TRUE(board->set_level("alert", PinLevel::High).take());  // no change
  ASSERT_TRUE(board->set_voltage("dimmer", 1650).take());
  ASSERT_TRUE(board->set_color("mood", {255, 128, 0}).take());
  board.reset();
  ::close(output);
  EXPECT_EQ(text_of(events), R"({"pin":"alert","kind":"output","level":"low"}
{"pin":"dimmer","kind":"analog","millivolts":0}
{"pin":"door","kind":"input","level":"low"}
{"pin":"lamp","kind":"output","level":"low"}
{"pin":"mood","kind":"led","color":"#000000"}
{"pin":"alert","kind":"output","level":"high"}
{"pin":"dimmer","kind":"analog","millivolts":1650}
{"pin":"mood","kind":"led","color":"#ff8000"}
)");
  EXPECT_THAT(text_of(shown),
              HasSubstr("pins: alert high\npins: dimmer 1650 mV\npins: mood #ff8000\n"));
}

TEST_F(PinsSimulator, InputsArePressedThroughAFifo) {
  const std::string control = folder.path() + "/control";
  auto board = make({.control = control, .output = nowhere()});
  ASSERT_TRUE(board);
  auto watch = board->watch("door").take();
  ASSERT_TRUE(watch);
  struct stat status = {};
  ASSERT_EQ(::stat(control.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  press(control,
        "door press\ndoor open\nwindow high\nalert high\n" + std::string(1000, 'x') + "\ndoor hi");
  press(control, "gh\n");
  EXPECT_EQ(next(**watch).value(), PinEdge{PinLevel::High});
  EXPECT_EQ(next(**watch).value(), PinEdge{PinLevel::Low});
  EXPECT_EQ(next(**watch).value(), PinEdge{PinLevel::High});
  EXPECT_EQ(board->get_level("alert").take().value(), PinLevel::Low);
  *watch = nullptr;
  board.reset();
  EXPECT_NE(::stat(control.c_str(), &status), 0) << "the FIFO is there still";
}

TEST_F(PinsSimulator, ATerminalHasAPictureThatIsDrawnAgain) {
  int master = -1, slave = -1;
  winsize size{24, 80, 0, 0};
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, &size), 0);
  const files::Descriptor near(master), far(slave);
  auto board = make({.output = slave});
  ASSERT_TRUE(board);
  ASSERT_TRUE(board->set_color("mood", {255, 128, 0}).take());
  ASSERT_TRUE(board->set_voltage("dimmer", 1650).take());
  board.reset();
  std::string seen(1 << 16, '\0');
  seen.resize(
      static_cast<std::size_t>(std::max<ssize_t>(::read(master, seen.data(), seen.size()), 0)));
  EXPECT_THAT(seen, HasSubstr("\x1b[7;24r"));  // what is written later scrolls below
  EXPECT_THAT(seen, HasSubstr("38;2;255;128;0m"));
  EXPECT_THAT(seen, HasSubstr("██████████░░░░░░░░░░ 1650 mV"));
  EXPECT_THAT(seen, HasSubstr("\x1b[r"));  // as it was
  EXPECT_THAT(seen, Not(HasSubstr("pins: ")));
}

TEST_F(PinsSimulator, ATerminalThatIsHeldHoldsNobody) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);  // nobody reads
  const files::Descriptor near(ends[0]), far(ends[1]);
  const auto began = std::chrono::steady_clock::now();
  auto board = make({.output = ends[1]});
  ASSERT_TRUE(board);
  for (std::uint32_t i = 0; i < 50'000; ++i) (void)board->set_voltage("dimmer", i % 3300).take();
  board.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 8s);
}

TEST_F(PinsSimulator, EventsAreBounded) {
  const std::string path = folder.path() + "/events";
  auto events = simulator::EventFile::open(path);
  ASSERT_TRUE(events);
  const std::string line(100'000, 'x');
  bool began_anew = false;
  for (int i = 0; i < 100; ++i) {
    began_anew |= !events->has_room(line.size());
    ASSERT_TRUE(events->write(line));
  }
  struct stat status = {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(began_anew);
  EXPECT_LE(static_cast<std::uint64_t>(status.st_size), simulator::EventFile::kMost);
}

TEST_F(PinsSimulator, WhatCannotBeOpenedIsSaidByName) {
  BlockingPool pool{1};
  const ProviderContext context{stderr_log(), pool};
  const ProviderTable<Pins> table({{"simulator", open_pins_simulator}});
  const auto refused = [&](const std::string& url) {
    auto opened = table.open(url, context);
    return opened ? std::string("opened") : opened.error().message;
  };
  const std::string folder_itself = folder.path();
  std::ofstream(folder.path() + "/plain") << "x";
  EXPECT_THAT(refused("simulator:?events=/nowhere/events"), HasSubstr("No such file"));
  EXPECT_THAT(refused("simulator:?events=" + folder_itself), HasSubstr("Is a directory"));
  EXPECT_THAT(refused("simulator:?events=/dev/null"), HasSubstr("neither a file nor a FIFO"));
  EXPECT_THAT(refused("simulator:?control=" + folder_itself + "/plain"), HasSubstr("no FIFO"));
  EXPECT_THAT(refused("simulator:?control=/nowhere/fifo"), HasSubstr("No such file"));
  EXPECT_THAT(refused("simulator:?wires=a:b"), HasSubstr("no option 'wires'"));
}

}  // namespace
}  // namespace unbolt::providers
