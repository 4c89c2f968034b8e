// unbolt:pins onto Pins.
#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/interfaces.h"

namespace unbolt::component {
template <>
inline constexpr std::size_t kEnumCases<contracts::PinKind> = 4;
template <>
inline constexpr std::size_t kEnumCases<contracts::PinLevel> = 2;
}  // namespace unbolt::component

namespace unbolt::contracts {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

// resource watching
struct Watching {
  std::shared_ptr<PinWatch> watch;
};

// The board is kept until the answer is there, whatever is linked meanwhile.
template <class T>
Task<PinResult<T>> later(std::shared_ptr<void>, Task<PinResult<T>> answer) {
  co_return co_await std::move(answer);
}

// What `ask` (`Reply<PinResult<T>>(Pins&)`) answers of the board that is linked.
template <class Ask>
auto with_board(Call& call, Ask ask) -> std::invoke_result_t<Ask&, Pins&> {
  const std::shared_ptr<Pins> board = call.host<Guest>().links->pins.find({});
  if (!board) {
    using Answer = typename std::invoke_result_t<Ask&, Pins&>::value_type;
    return Answer(std::unexpected(
        PinError("no board is linked (link one, as in unbolt:pins=simulator:?pins=alert:output)")));
  }
  auto answer = ask(*board);
  if (answer.ready()) return answer;
  return later(board, std::move(answer).task());
}

Reply<PinResult<std::vector<Pin>>> pins(Call& call) {
  return with_board(call, [](Pins& board) { return board.pins(); });
}
Reply<PinResult<>> set_level(Call& call, std::string_view pin, PinLevel level) {
  return with_board(call, [&](Pins& board) { return board.set_level(pin, level); });
}
Reply<PinResult<PinLevel>> get_level(Call& call, std::string_view pin) {
  return with_board(call, [&](Pins& board) { return board.get_level(pin); });
}
Reply<PinResult<>> set_voltage(Call& call, std::string_view pin, std::uint32_t millivolts) {
  return with_board(call, [&](Pins& board) { return board.set_voltage(pin, millivolts); });
}
Reply<PinResult<std::uint32_t>> get_voltage(Call& call, std::string_view pin) {
  return with_board(call, [&](Pins& board) { return board.get_voltage(pin); });
}
Reply<PinResult<>> set_color(Call& call, std::string_view led, PinColor color) {
  return with_board(call, [&](Pins& board) { return board.set_color(led, color); });
}
Reply<PinResult<PinColor>> get_color(Call& call, std::string_view led) {
  return with_board(call, [&](Pins& board) { return board.get_color(led); });
}

using Watched = PinResult<Own<Watching>>;
Watched to_handle(PinResult<std::shared_ptr<PinWatch>> watch) {
  if (!watch) return std::unexpected(std::move(watch).error());
  return std::make_unique<Watching>(Watching{std::move(*watch)});
}
Task<Watched> to_handle_later(Task<PinResult<std::shared_ptr<PinWatch>>> watch) {
  co_return to_handle(co_await std::move(watch));
}
Reply<Watched> watch(Call& call, std::string_view pin) {
  auto made = with_board(call, [&](Pins& board) { return board.watch(pin); });
  if (made.ready()) return to_handle(std::move(made).take());
  return to_handle_later(std::move(made).task());
}

Reply<PinResult<std::optional<PinEdge>>> next(Call&, Borrow<Watching> watching,
                                              std::uint32_t timeout_ms) {
  auto edge = watching->watch->next(std::chrono::milliseconds(timeout_ms));
  if (edge.ready()) return edge;
  return later<std::optional<PinEdge>>(watching->watch, std::move(edge).task());
}

}  // namespace

void add_pins(component::HostInterfaces& host) {
  host.add("unbolt:pins/board@0.1.0")
      .resource<Watching>("watching")
      .func<&pins>("pins")
      .func<&set_level>("set-level")
      .func<&get_level>("get-level")
      .func<&set_voltage>("set-voltage")
      .func<&get_voltage>("get-voltage")
      .func<&set_color>("set-color")
      .func<&get_color>("get-color")
      .func<&watch>("watch")
      .func<&next>("[method]watching.next");
}

}  // namespace unbolt::contracts
