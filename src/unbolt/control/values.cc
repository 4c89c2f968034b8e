#include "unbolt/control/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

#include "unbolt/contracts/text.h"

namespace unbolt::control {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
// The name to write comes first.
constexpr Unit kSizes[] = {{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"", 1},
                           {"G", 1u << 30},   {"M", 1u << 20},   {"K", 1u << 10}};
constexpr Unit kTimes[] = {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr std::uint64_t kLongestTime = 30ull * 24 * 3'600'000;
constexpr std::string_view kReused = "reused:";

std::string show(std::string_view text) { return contracts::printable(text, 80); }

Result<std::uint64_t> number_with_unit(std::string_view text, std::span<const Unit> units,
                                       std::uint64_t most, std::string_view expected) {
  std::uint64_t number = 0, product = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const auto found = std::ranges::find(units, unit, &Unit::name);
  if (error == std::errc::invalid_argument || found == units.end()) {
    return fail(ErrorCode::InvalidArgument, "'{}' is not {}", show(text), expected);
  }
  if (error != std::errc() || __builtin_mul_overflow(number, found->factor, &product) ||
      product > most) {
    return fail(ErrorCode::InvalidArgument, "'{}' is too much", show(text));
  }
  if (product == 0) return fail(ErrorCode::InvalidArgument, "'{}' leaves nothing", show(text));
  return product;
}

std::string with_unit(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return fmt::to_string(value);
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  return number_with_unit(text, kSizes, std::numeric_limits<std::int64_t>::max(),
                          "a size: a number and KiB, MiB or GiB, as in 64MiB");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  UNBOLT_ASSIGN(const std::uint64_t count,
                number_with_unit(text, kTimes, kLongestTime,
                                 "a time: a number and ms, s, m or h, as in 500ms or 5s"));
  return std::chrono::milliseconds(count);
}

Result<std::uint32_t> parse_count(std::string_view text) {
  constexpr Unit kOne[] = {{"", 1}};
  UNBOLT_ASSIGN(const std::uint64_t count,
                number_with_unit(text, kOne, std::numeric_limits<std::int32_t>::max(),
                                 "a whole number, from 1"));
  return static_cast<std::uint32_t>(count);
}

Result<std::uint32_t> parse_reuse(std::string_view text) {
  if (text == "fresh") return 1;
  if (text.starts_with(kReused)) {
    if (auto count = parse_count(text.substr(kReused.size()))) return count;
  }
  return fail(ErrorCode::InvalidArgument, "'{}' is neither fresh nor reused:N, as in reused:1000",
              show(text));
}

std::string size_text(std::uint64_t bytes) { return with_unit(bytes, kSizes); }
std::string duration_text(std::chrono::milliseconds time) {
  return with_unit(static_cast<std::uint64_t>(time.count()), kTimes);
}
std::string reuse_text(std::uint32_t reuse) {
  return reuse == 1 ? "fresh" : fmt::format("{}{}", kReused, reuse);
}

}  // namespace unbolt::control
