#include "unbolt/component/abi.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "unbolt/component/testing/guest.h"

namespace unbolt::component {

struct Simple {
  std::uint8_t a = 0;
  std::uint64_t b = 0;
  std::string c;
  bool operator==(const Simple&) const = default;
};
enum class Colour : std::uint8_t { Red, Green, Blue };
enum class Wide : std::uint16_t { First = 0, Last = 299 };
enum class Flags3 : std::uint8_t {};
enum class Flags12 : std::uint16_t {};
enum class Flags20 : std::uint32_t {};
enum class Flags32 : std::uint32_t {};
template <>
inline constexpr std::size_t kEnumCases<Colour> = 3;
template <>
inline constexpr std::size_t kEnumCases<Wide> = 300;
template <>
inline constexpr std::size_t kFlagBits<Flags3> = 3;
template <>
inline constexpr std::size_t kFlagBits<Flags12> = 12;
template <>
inline constexpr std::size_t kFlagBits<Flags20> = 20;
template <>
inline constexpr std::size_t kFlagBits<Flags32> = 32;

namespace {

constexpr std::string_view kHost = "test:abi/host";

// A memory of one page and a realloc that never frees; the first block lies at 4096.
constexpr std::string_view kLibc = R"(
  (core module $libc_module
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (block $enough
        (loop $more
          (br_if $enough (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
          (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
          (br $more)))
      (memory.copy (local.get $at) (local.get $old)
        (select (local.get $size) (local.get $old_size) (i32.lt_u (local.get $size) (local.get $old_size))))
      (local.get $at)))
  (core instance $libc (instantiate $libc_module))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc)))";

Bytes hex(std::string_view text) {
  Bytes out;
  std::string digits;
  for (const char c : text) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() == 2) {
      out.push_back(static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16)));
      digits.clear();
    }
  }
  return out;
}

// A WIT type as the text of a component has it. `named` types (records, variants, …) are declared
// and exported as "t".
struct TypeText {
  std::string declaration;  // "(record …)", or "" where `use` stands for itself
  std::string use;          // "$t", "(option u8)"
  std::string flat;         // its core types, by hand: "i32 i64"
  std::size_t size;         // of tuple<u8, T>, by hand
};
TypeText plain(std::string type, std::string flat, std::size_t size) {
  return {"", std::move(type), std::move(flat), size};
}
TypeText named(std::string type, std::string flat, std::size_t size) {
  return {std::move(type), "$t", std::move(flat), size};
}

std::size_t count(std::string_view flat) {
  return flat.empty() ? 0 : static_cast<std::size_t>(std::count(flat.begin(), flat.end(), ' ')) + 1;
}

std::string import_host(const TypeText& type, std::string_view functions) {
  const std::string declare =
      type.declaration.empty()
          ? ""
          : fmt::format("(type $t_ {}) (export \"t\" (type $t (eq $t_)))", type.declaration);
  return fmt::format("(import \"{}\" (instance $host {} {})) {}", kHost, declare, functions,
                     type.declaration.empty() ? "" : "(alias export $host \"t\" (type $t))");
}

// Passes a T through the guest in flat values, and lays one out in its memory.
std::string passing(const TypeText& type) {
  std::string locals;
  for (std::size_t i = 0; i < count(type.flat); ++i) locals += fmt::format("(local.get {})", i);
  const bool in_memory = count(type.flat) > 1;

  return fmt::format(
      R"((component {import_} {libc}
  (core func $echo (canon lower (func $host "echo") {options}))
  (core func $give (canon lower (func $host "give") {options}))
  (core module $main_module
    (import "libc" "memory" (memory 1))
    (import "host" "echo" (func $echo (param {flat} {pointer}) {result}))
    (import "host" "give" (func $give (param i32)))
    (func (export "echo") (param {flat}) (result {returned})
      (call $echo {locals} {at}) {answer})
    (func (export "load") (param i32 i32) (result i32) (local.get 0))
    (func (export "store") (result i32)
      (memory.fill (i32.const 128) (i32.const 0xee) (i32.const {size}))
      (call $give (i32.const 128))
      (i32.store (i32.const 96) (i32.const 128))
      (i32.store (i32.const 100) (i32.const {size}))
      (i32.const 96)))
  (core instance $main (instantiate $main_module
    (with "libc" (instance $libc))
    (with "host" (instance (export "echo" (func $echo)) (export "give" (func $give))))))
  (func (export "echo") (param "x" {type}) (result {type}) (canon lift (core func $main "echo") {options}))
  (func (export "load") (param "bytes" (list u8)) (result (tuple u8 {type})) (canon lift (core func $main "load") {options}))
  (func (export "store") (result (list u8)) (canon lift (core func $main "store") {options}))))",
      fmt::arg("import_",
               import_host(type, fmt::format(R"((export "echo" (func (param "x" {0}) (result {0})))
                                                           (export "give" (func (result (tuple u8 {0})))))",
                                             type.use))),
      fmt::arg("libc", kLibc), fmt::arg("options", "(memory $memory) (realloc $realloc)"),
      fmt::arg("flat", type.flat), fmt::arg("pointer", in_memory ? "i32" : ""),
      fmt::arg("result", in_memory ? "" : "(result " + type.flat + ")"),
      fmt::arg("returned", in_memory ? "i32" : type.flat), fmt::arg("locals", locals),
      fmt::arg("at", in_memory ? "(i32.const 64)" : ""),
      fmt::arg("answer", in_memory ? "(i32.const 64)" : ""), fmt::arg("size", type.size),
      fmt::arg("type", type.use));
}

template <class T>
T echo(Call& call, T value) {
  call.host<std::vector<T>>().push_back(value);
  return value;
}
template <class T>
std::tuple<std::uint8_t, T> give(Call& call) {
  return {0xa5, call.host<std::vector<T>>().front()};
}

// `bytes`: tuple<u8, T> of {0xa5, value} in memory, by hand, with padding as ee. Blocks that it
// points to follow each other from 4096 on when the host stores it; when the guest gives it, the
// bytes themselves lie at 4096.
template <class T>
struct Value {
  T value;
  std::string stored;
  std::string loaded = {};  // where it differs
};

template <class T>
void check(const TypeText& type, std::vector<Value<T>> values) {
  SCOPED_TRACE(type.declaration + " " + type.use);
  using InMemory = std::tuple<std::uint8_t, T>;
  TestHost host;
  host.interfaces.add(std::string(kHost))
      .template func<&echo<T>>("echo")
      .template func<&give<T>>("give");
  const auto component = link_text(host, passing(type));
  ASSERT_TRUE(component) << component.error().message;
  EXPECT_EQ(Abi<T>::kFlat, count(type.flat));
  for (const auto& [value, stored, loaded] : values) {
    std::vector<T> seen;
    Guest echoing(host, *component, &seen);
    ASSERT_FALSE(echoing.start());
    const auto answer = echoing.call<T>("echo", value);
    ASSERT_TRUE(answer) << answer.error().describe();
    EXPECT_TRUE(*answer == value);
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_TRUE(seen[0] == value);

    Guest storing(host, *component, &seen);
    ASSERT_FALSE(storing.start());
    const auto bytes = storing.call<std::vector<std::uint8_t>>("store");
    ASSERT_TRUE(bytes) << bytes.error().describe();
    EXPECT_EQ(fmt::format("{:02x}", fmt::join(*bytes, " ")),
              fmt::format("{:02x}", fmt::join(hex(stored), " ")));

    Guest loading(host, *component, &seen);
    ASSERT_FALSE(loading.start());
    const auto from = loading.call<InMemory>("load", hex(loaded.empty() ? stored : loaded));
    ASSERT_TRUE(from) << from.error().describe();
    EXPECT_EQ(std::get<0>(*from), 0xa5);
    EXPECT_TRUE(std::get<1>(*from) == value);
  }
}

TEST(Abi, Integers) {
  check<bool>(plain("bool", "i32", 2),
              {{true, "a5 01"}, {false, "a5 00"}, {true, "a5 01", "a5 80"}});
  check<std::int8_t>(plain("s8", "i32", 2), {{-128, "a5 80"}, {127, "a5 7f"}, {-1, "a5 ff"}});
  check<std::uint8_t>(plain("u8", "i32", 2), {{255, "a5 ff"}, {0, "a5 00"}});
  check<std::int16_t>(plain("s16", "i32", 4), {{-2, "a5 ee fe ff"}, {-32768, "a5 ee 00 80"}});
  check<std::uint16_t>(plain("u16", "i32", 4), {{0xabcd, "a5 ee cd ab"}});
  check<std::int32_t>(plain("s32", "i32", 8), {{-2, "a5 ee ee ee fe ff ff ff"}});
  check<std::uint32_t>(plain("u32", "i32", 8), {{0x89abcdef, "a5 ee ee ee ef cd ab 89"}});
  check<std::int64_t>(plain("s64", "i64", 16),
                      {{std::numeric_limits<std::int64_t>::min(),
                        "a5 ee ee ee ee ee ee ee 00 00 00 00 00 00 00 80"}});
  check<std::uint64_t>(plain("u64", "i64", 16),
                       {{0x0123456789abcdef, "a5 ee ee ee ee ee ee ee ef cd ab 89 67 45 23 01"}});
}

TEST(Abi, FloatsAndChars) {
  check<float>(plain("f32", "f32", 8),
               {{1.5f, "a5 ee ee ee 00 00 c0 3f"},
                {-std::numeric_limits<float>::infinity(), "a5 ee ee ee 00 00 80 ff"}});
  check<double>(plain("f64", "f64", 16),
                {{-0.5, "a5 ee ee ee ee ee ee ee 00 00 00 00 00 00 e0 bf"}});
  check<char32_t>(plain("char", "i32", 8), {{U'a', "a5 ee ee ee 61 00 00 00"},
                                            {U'\U0010ffff', "a5 ee ee ee ff ff 10 00"},
                                            {U'\ud7ff', "a5 ee ee ee ff d7 00 00"},
                                            {U'\ue000', "a5 ee ee ee 00 e0 00 00"}});
}

TEST(Abi, StringsAndLists) {
  check<std::string>(
      plain("string", "i32 i32", 12),
      {{"", "a5 ee ee ee 00 10 00 00 00 00 00 00"},
       {"grün€😀", "a5 ee ee ee 00 10 00 00 0c 00 00 00",
        "a5 ee ee ee 0c 10 00 00 0c 00 00 00  67 72 c3 bc 6e e2 82 ac f0 9f 98 80"}});
  check<std::vector<std::uint8_t>>(plain("(list u8)", "i32 i32", 12),
                                   {{{1, 2, 3},
                                     "a5 ee ee ee 00 10 00 00 03 00 00 00",
                                     "a5 ee ee ee 0c 10 00 00 03 00 00 00  01 02 03"},
                                    {{}, "a5 ee ee ee 00 10 00 00 00 00 00 00"}});
  check<std::vector<std::int16_t>>(plain("(list s16)", "i32 i32", 12),
                                   {{{-1, 2},
                                     "a5 ee ee ee 00 10 00 00 02 00 00 00",
                                     "a5 ee ee ee 0c 10 00 00 02 00 00 00  ff ff 02 00"}});
  check<std::vector<double>>(
      plain("(list f64)", "i32 i32", 12),
      {{{1.0},
        "a5 ee ee ee 00 10 00 00 01 00 00 00",
        "a5 ee ee ee 10 10 00 00 01 00 00 00 00 00 00 00  00 00 00 00 00 00 f0 3f"}});
  check<std::vector<std::string>>(
      plain("(list string)", "i32 i32", 12),
      {{{"ab", "c"},
        "a5 ee ee ee 00 10 00 00 02 00 00 00",
        "a5 ee ee ee 0c 10 00 00 02 00 00 00  1c 10 00 00 02 00 00 00 1e 10 00 00 01 00 00 00"
        "61 62 63"}});
  check<std::vector<char32_t>>(plain("(list char)", "i32 i32", 12),
                               {{{U'x', U'€'},
                                 "a5 ee ee ee 00 10 00 00 02 00 00 00",
                                 "a5 ee ee ee 0c 10 00 00 02 00 00 00  78 00 00 00 ac 20 00 00"}});
  check<std::vector<std::vector<std::uint16_t>>>(
      plain("(list (list u16))", "i32 i32", 12),
      {{{{7}, {}, {8, 9}},
        "a5 ee ee ee 00 10 00 00 03 00 00 00",
        "a5 ee ee ee 0c 10 00 00 03 00 00 00"
        "24 10 00 00 01 00 00 00  00 00 00 00 00 00 00 00  26 10 00 00 02 00 00 00  07 00 08 00 09 "
        "00"}});
}

TEST(Abi, FixedListsAndMaps) {
  check<std::array<std::uint16_t, 3>>(plain("(list u16 3)", "i32 i32 i32", 8),
                                      {{{1, 2, 0xffff}, "a5 ee 01 00 02 00 ff ff"}});
  check<std::array<std::string, 2>>(
      plain("(list string 2)", "i32 i32 i32 i32", 20),
      {{{"a", "bc"},
        "a5 ee ee ee 00 10 00 00 01 00 00 00 10 10 00 00 02 00 00 00",
        "a5 ee ee ee 14 10 00 00 01 00 00 00 15 10 00 00 02 00 00 00  61 62 63"}});
  using Map = std::vector<std::pair<std::uint8_t, std::uint32_t>>;
  check<Map>(
      plain("(map u8 u32)", "i32 i32", 12),
      {{{{1, 2}, {3, 4}},
        "a5 ee ee ee 00 10 00 00 02 00 00 00",
        "a5 ee ee ee 0c 10 00 00 02 00 00 00  01 ee ee ee 02 00 00 00 03 ee ee ee 04 00 00 00"},
       {{}, "a5 ee ee ee 00 10 00 00 00 00 00 00"}});
}

TEST(Abi, OptionsAndResults) {
  check<std::optional<std::uint32_t>>(plain("(option u32)", "i32 i32", 12),
                                      {{std::nullopt, "a5 ee ee ee 00 ee ee ee ee ee ee ee"},
                                       {7u, "a5 ee ee ee 01 ee ee ee 07 00 00 00"}});
  using Nested = std::optional<std::optional<std::uint8_t>>;
  check<Nested>(plain("(option (option u8))", "i32 i32 i32", 4),
                {{std::nullopt, "a5 00 ee ee"},
                 {Nested(std::in_place, std::nullopt), "a5 01 00 ee"},
                 {Nested(std::in_place, 9), "a5 01 01 09"}});
  using Either = std::expected<std::uint8_t, std::uint64_t>;
  check<Either>(
      plain("(result u8 (error u64))", "i32 i64", 24),
      {{Either(3), "a5 ee ee ee ee ee ee ee 00 ee ee ee ee ee ee ee 03 ee ee ee ee ee ee ee"},
       {Either(std::unexpected(4)),
        "a5 ee ee ee ee ee ee ee 01 ee ee ee ee ee ee ee 04 00 00 00 00 00 00 00"}});
  using Bare = std::expected<void, std::monostate>;
  check<Bare>(plain("(result)", "i32", 2),
              {{Bare(), "a5 00"}, {std::unexpected(std::monostate()), "a5 01"}});
  using OnlyError = std::expected<void, std::string>;
  check<OnlyError>(
      plain("(result (error string))", "i32 i32 i32", 16),
      {{OnlyError(), "a5 ee ee ee 00 ee ee ee ee ee ee ee ee ee ee ee"},
       {std::unexpected(std::string("no")), "a5 ee ee ee 01 ee ee ee 00 10 00 00 02 00 00 00",
        "a5 ee ee ee 01 ee ee ee 10 10 00 00 02 00 00 00 6e 6f"}});
  using OnlyValue = std::expected<float, std::monostate>;
  check<OnlyValue>(plain("(result f32)", "i32 f32", 12),
                   {{OnlyValue(1.5f), "a5 ee ee ee 00 ee ee ee 00 00 c0 3f"},
                    {std::unexpected(std::monostate()), "a5 ee ee ee 01 ee ee ee ee ee ee ee"}});
}

TEST(Abi, RecordsAndTuples) {
  check<std::tuple<std::uint8_t, std::uint16_t, float>>(
      plain("(tuple u8 u16 f32)", "i32 i32 f32", 12),
      {{{1, 2, 1.5f}, "a5 ee ee ee 01 ee 02 00 00 00 c0 3f"}});
  check<Simple>(
      named(R"((record (field "a" u8) (field "b" u64) (field "c" string)))", "i32 i64 i32 i32", 32),
      {{{1, 2, "xy"},
        "a5 ee ee ee ee ee ee ee  01 ee ee ee ee ee ee ee  02 00 00 00 00 00 00 00  00 10 00 00 02 "
        "00 00 00",
        "a5 ee ee ee ee ee ee ee  01 ee ee ee ee ee ee ee  02 00 00 00 00 00 00 00  20 10 00 00 02 "
        "00 00 00"
        "78 79"}});
  // Padding between the elements of a list, and at the end of the last.
  check<std::vector<std::tuple<std::uint16_t, std::uint8_t>>>(
      plain("(list (tuple u16 u8))", "i32 i32", 12),
      {{{{1, 2}, {3, 4}},
        "a5 ee ee ee 00 10 00 00 02 00 00 00",
        "a5 ee ee ee 0c 10 00 00 02 00 00 00  01 00 02 ee  03 00 04 ee"}});
}

TEST(Abi, VariantsJoinTheirPayloads) {
  using V = std::variant<std::monostate, std::uint8_t, float, double, std::string, std::int32_t>;
  const TypeText type =
      named(R"((variant (case "none") (case "byte" u8) (case "single" f32) (case "double" f64)
                                   (case "text" string) (case "signed" s32)))",
            "i32 i64 i32", 24);
  const std::string head = "a5 ee ee ee ee ee ee ee ";
  check<V>(type, {
                     {V(), head + "00 ee ee ee ee ee ee ee  ee ee ee ee ee ee ee ee"},
                     {V(std::in_place_index<1>, 200),
                      head + "01 ee ee ee ee ee ee ee  c8 ee ee ee ee ee ee ee"},
                     {V(1.5f), head + "02 ee ee ee ee ee ee ee  00 00 c0 3f ee ee ee ee"},
                     {V(-0.5), head + "03 ee ee ee ee ee ee ee  00 00 00 00 00 00 e0 bf"},
                     {V("xyz"), head + "04 ee ee ee ee ee ee ee  00 10 00 00 03 00 00 00",
                      head + "04 ee ee ee ee ee ee ee  18 10 00 00 03 00 00 00  78 79 7a"},
                     {V(std::in_place_index<5>, -7),
                      head + "05 ee ee ee ee ee ee ee  f9 ff ff ff ee ee ee ee"},
                 });
  // f32 and i32 join to i32.
  using W = std::variant<float, std::uint32_t>;
  check<W>(named(R"((variant (case "f" f32) (case "u" u32)))", "i32 i32", 12),
           {{W(1.5f), "a5 ee ee ee 00 ee ee ee 00 00 c0 3f"},
            {W(9u), "a5 ee ee ee 01 ee ee ee 09 00 00 00"}});
  // f32 alone stays f32.
  using F = std::variant<float, std::monostate>;
  check<F>(named(R"((variant (case "f" f32) (case "n")))", "i32 f32", 12),
           {{F(2.5f), "a5 ee ee ee 00 ee ee ee 00 00 20 40"},
            {F(std::monostate()), "a5 ee ee ee 01 ee ee ee ee ee ee ee"}});
}

std::string labels(std::string_view kind, int count) {
  std::string text = fmt::format("({}", kind);
  for (int i = 0; i < count; ++i) text += fmt::format(" \"l{}\"", i);
  return text + ")";
}

TEST(Abi, EnumsAndFlags) {
  check<Colour>(named(labels("enum", 3), "i32", 2),
                {{Colour::Blue, "a5 02"}, {Colour::Red, "a5 00"}});
  check<Wide>(named(labels("enum", 300), "i32", 4), {{Wide::Last, "a5 ee 2b 01"}});
  check<Flags3>(named(labels("flags", 3), "i32", 2),
                {{Flags3(5), "a5 05"}, {Flags3(5), "a5 05", "a5 fd"}});
  check<Flags12>(named(labels("flags", 12), "i32", 4),
                 {{Flags12(0xfff), "a5 ee ff 0f"}, {Flags12(1), "a5 ee 01 00", "a5 ee 01 f0"}});
  check<Flags20>(named(labels("flags", 20), "i32", 8),
                 {{Flags20(0x80001), "a5 ee ee ee 01 00 08 00"}});
  check<Flags32>(named(labels("flags", 32), "i32", 8),
                 {{Flags32(0x80000001), "a5 ee ee ee 01 00 00 80"}});
}

// ---- What guests do wrong

template <class T>
void take(Call& call, T value) {
  call.host<std::optional<T>>().emplace(std::move(value));
}

// Calls the host's `take: func(x: T)` with the core values that `arguments` pushes; the memory
// holds `data` at 16.
template <class T>
std::expected<T, std::string> poke(const TypeText& type, std::string_view arguments,
                                   std::string_view data = "") {
  TestHost host;
  host.interfaces.add(std::string(kHost)).template func<&take<T>>("take");
  std::optional<T> seen;
  Guest guest(host,
              fmt::format(R"((component {}
    (core module $memory_module (memory (export "memory") 1) (data (i32.const 16) "{}"))
    (core instance $memory (instantiate $memory_module))
    (core func $take (canon lower (func $host "take") (memory (core memory $memory "memory"))))
    (core module $main_module
      (import "host" "take" (func $take (param {})))
      (func (export "run") (call $take {})))
    (core instance $main (instantiate $main_module (with "host" (instance (export "take" (func $take))))))
    (func (export "run") (canon lift (core func $main "run")))))",
                          import_host(type, fmt::format(R"((export "take" (func (param "x" {}))))",
                                                        type.use)),
                          data, type.flat, arguments),
              &seen);
  const auto ran = guest.call("run");
  if (!ran) return std::unexpected(ran.error().reason);
  return std::move(seen.value());
}
template <class T>
std::string refused(const TypeText& type, std::string_view arguments, std::string_view data = "") {
  const auto result = poke<T>(type, arguments, data);
  return result ? "" : result.error();
}

TEST(AbiOfBadGuests, ScalarsAreNarrowedOrRefused) {
  EXPECT_EQ(poke<bool>(plain("bool", "i32", 0), "(i32.const 0x100)"), true);
  EXPECT_EQ(poke<std::uint8_t>(plain("u8", "i32", 0), "(i32.const 0x1ff)"), 0xff);
  EXPECT_EQ(poke<std::int8_t>(plain("s8", "i32", 0), "(i32.const 0x180)"), -128);
  EXPECT_EQ(poke<std::uint16_t>(plain("u16", "i32", 0), "(i32.const -1)"), 0xffff);
  EXPECT_EQ(poke<std::int16_t>(plain("s16", "i32", 0), "(i32.const 0xf8000)"), -32768);
  EXPECT_EQ(poke<char32_t>(plain("char", "i32", 0), "(i32.const 0x10ffff)"), U'\U0010ffff');
  for (const auto* bad : {"0xd800", "0xdfff", "0x110000", "-1"}) {
    EXPECT_EQ(refused<char32_t>(plain("char", "i32", 0), fmt::format("(i32.const {})", bad)),
              "invalid `char` bit pattern")
        << bad;
  }
  EXPECT_EQ(poke<Colour>(named(labels("enum", 3), "i32", 0), "(i32.const 2)"), Colour::Blue);
  EXPECT_EQ(refused<Colour>(named(labels("enum", 3), "i32", 0), "(i32.const 3)"),
            "invalid enum value");
  EXPECT_EQ(refused<Colour>(named(labels("enum", 3), "i32", 0), "(i32.const 0x100)"),
            "invalid enum value");
  EXPECT_EQ(poke<Flags3>(named(labels("flags", 3), "i32", 0), "(i32.const -1)"), Flags3(7));
}

TEST(AbiOfBadGuests, Discriminants) {
  constexpr std::string_view kReason = "invalid variant discriminant";
  using Option = std::optional<std::uint8_t>;
  EXPECT_EQ(refused<Option>(plain("(option u8)", "i32 i32", 0), "(i32.const 2) (i32.const 0)"),
            kReason);
  EXPECT_EQ(refused<Option>(plain("(option u8)", "i32 i32", 0), "(i32.const 0x101) (i32.const 0)"),
            kReason);
  using Either = std::expected<std::uint8_t, std::uint8_t>;
  EXPECT_EQ(refused<Either>(plain("(result u8 (error u8))", "i32 i32", 0),
                            "(i32.const -1) (i32.const 0)"),
            kReason);
  using V = std::variant<std::monostate, std::uint8_t>;
  EXPECT_EQ(refused<V>(named(R"((variant (case "a") (case "b" u8)))", "i32 i32", 0),
                       "(i32.const 2) (i32.const 0)"),
            kReason);
  // And in memory.
  const auto list = plain("(list (option u8))", "i32 i32", 0);
  EXPECT_TRUE(poke<std::vector<Option>>(list, "(i32.const 16) (i32.const 2)", "\\01\\02\\00\\02"));
  EXPECT_EQ(refused<std::vector<Option>>(list, "(i32.const 16) (i32.const 2)", "\\01\\02\\02\\02"),
            kReason);
  const auto chars = plain("(list char)", "i32 i32", 0);
  EXPECT_EQ(
      refused<std::vector<char32_t>>(chars, "(i32.const 16) (i32.const 1)", "\\00\\d8\\00\\00"),
      "invalid `char` bit pattern");
}

TEST(AbiOfBadGuests, PointersAndLengths) {
  constexpr std::string_view kOutside = "string pointer/length out of bounds of memory";
  constexpr std::string_view kListOutside = "list pointer/length out of bounds of memory";
  const auto text = plain("string", "i32 i32", 0);
  EXPECT_EQ(poke<std::string>(text, "(i32.const 16) (i32.const 2)", "ok"), "ok");
  EXPECT_EQ(poke<std::string>(text, "(i32.const 65536) (i32.const 0)"), "");
  EXPECT_EQ(refused<std::string>(text, "(i32.const 65537) (i32.const 0)"), kOutside);
  EXPECT_EQ(refused<std::string>(text, "(i32.const 65535) (i32.const 2)"), kOutside);
  EXPECT_EQ(refused<std::string>(text, "(i32.const -1) (i32.const -1)"), kOutside);
  EXPECT_EQ(refused<std::string>(text, "(i32.const 1) (i32.const -1)"), kOutside);
  EXPECT_EQ(refused<std::string>(text, "(i32.const 16) (i32.const 1)", "\\ff"),
            "invalid utf-8 sequence");
  EXPECT_EQ(refused<std::string>(text, "(i32.const 16) (i32.const 2)", "\\c3\\bc\\bc"), "");
  EXPECT_EQ(refused<std::string>(text, "(i32.const 16) (i32.const 1)", "\\c3\\bc"),
            "incomplete utf-8 byte sequence");

  using Words = std::vector<std::uint64_t>;
  const auto words = plain("(list u64)", "i32 i32", 0);
  EXPECT_EQ(refused<Words>(words, "(i32.const 4) (i32.const 1)"), "unaligned pointer");
  EXPECT_EQ(refused<Words>(words, "(i32.const 4) (i32.const 0)"), "unaligned pointer");
  EXPECT_EQ(refused<Words>(words, "(i32.const 0) (i32.const 0x20000000)"),
            kListOutside);  // 4 GiB: 0 in 32 bits
  EXPECT_EQ(refused<Words>(words, "(i32.const 0) (i32.const 0x20000001)"), kListOutside);
  EXPECT_EQ(refused<Words>(words, "(i32.const 65528) (i32.const 2)"), kListOutside);
  EXPECT_EQ(poke<Words>(words, "(i32.const 65528) (i32.const 1)"), Words{0});
  using Views = std::span<const std::uint8_t>;
  EXPECT_EQ(refused<Views>(plain("(list u8)", "i32 i32", 0), "(i32.const 0) (i32.const -1)"),
            kListOutside);
  using Texts = std::vector<std::string_view>;
  const auto texts = plain("(list string)", "i32 i32", 0);
  EXPECT_EQ(refused<Texts>(texts, "(i32.const 0) (i32.const -1)"), kListOutside);
  EXPECT_EQ(
      refused<Texts>(texts, "(i32.const 16) (i32.const 1)", "\\00\\00\\01\\00\\01\\00\\00\\00"),
      kOutside);
}

// A small guest must not make the host do, in one call, work that no deadline can end: many
// strings, all the same bytes.
TEST(AbiOfBadGuests, OverlappingStringsAreBounded) {
  TestHost host;
  using Texts = std::vector<std::string_view>;
  host.interfaces.add(std::string(kHost)).func<&take<Texts>>("take");
  std::optional<Texts> seen;
  Guest guest(host,
              fmt::format(R"((component {}
    (core module $memory_module (memory (export "memory") 1000))
    (core instance $memory (instantiate $memory_module))
    (core func $take (canon lower (func $host "take") (memory (core memory $memory "memory"))))
    (core module $main_module
      (import "memory" "memory" (memory 1))
      (import "host" "take" (func $take (param i32 i32)))
      (func (export "run") (local $i i32)
        (loop $next
          (i64.store (local.get $i) (i64.const 0x0200000000100000))
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 800000))))
        (call $take (i32.const 0) (i32.const 100000))))
    (core instance $main (instantiate $main_module
      (with "memory" (instance $memory)) (with "host" (instance (export "take" (func $take))))))
    (func (export "run") (canon lift (core func $main "run")))))",
                          import_host(plain("(list string)", "i32 i32", 0),
                                      R"((export "take" (func (param "x" (list string)))))")),
              &seen);
  const auto start = std::chrono::steady_clock::now();
  const auto ran = guest.call("run");  // 100,000 × 32 MiB
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason, "a value is too large to be passed to the host");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// ---- realloc, post-return, and what may not be called while they run

std::string give_text(Call& call) { return call.host<std::string>(); }
void tick(Call&) {}

// `realloc` is the body of the guest's realloc (locals: old, old size, alignment, size).
std::string reallocating(std::string_view realloc, std::string_view pointer = "(i32.const 64)",
                         std::string_view post_return = "") {
  return fmt::format(R"((component
    (import "{}" (instance $host (export "give" (func (result string))) (export "tick" (func))))
    (core func $tick (canon lower (func $host "tick")))
    (core module $libc_module
      (import "host" "tick" (func $tick))
      (memory (export "memory") 1)
      (global $posts (mut i32) (i32.const 0))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) {})
      (func (export "post") (param i32) (global.set $posts (i32.add (global.get $posts) (i32.const 1))) {})
      (func (export "posts") (result i32) (global.get $posts)))
    (core instance $libc (instantiate $libc_module (with "host" (instance (export "tick" (func $tick))))))
    (core func $give (canon lower (func $host "give") (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc"))))
    (core module $main_module
      (import "host" "give" (func $give (param i32)))
      (func (export "run") (result i32) (call $give {}) (i32.const 64)))
    (core instance $main (instantiate $main_module (with "host" (instance (export "give" (func $give))))))
    (func (export "run") (result string) (canon lift (core func $main "run") (memory (core memory $libc "memory"))
      (post-return (core func $libc "post"))))
    (func (export "posts") (result u32) (canon lift (core func $libc "posts")))))",
                     kHost, realloc, post_return, pointer);
}

class Realloc : public testing::Test {
 protected:
  Realloc() {
    host.interfaces.add(std::string(kHost)).func<&give_text>("give").func<&tick>("tick");
  }
  std::string reason(std::string_view realloc, std::string_view pointer = "(i32.const 64)",
                     std::string_view post = "") {
    Guest guest(host, reallocating(realloc, pointer, post), &text);
    const auto ran = guest.call<std::string>("run");
    return ran ? "" : ran.error().reason;
  }
  TestHost host;
  std::string text = "hello";
};

TEST_F(Realloc, ItsPointersAreChecked) {
  EXPECT_EQ(reason("(i32.const 1024)"), "");
  EXPECT_EQ(reason("(i32.const 65531)"), "");
  EXPECT_EQ(reason("(i32.const 65532)"), "realloc return: beyond end of memory");
  EXPECT_EQ(reason("(i32.const -1)"), "realloc return: beyond end of memory");
  EXPECT_EQ(reason("(i32.const -5)"), "realloc return: beyond end of memory");
  EXPECT_EQ(reason("unreachable"), "wasm trap: wasm `unreachable` instruction executed");
  text = "";
  EXPECT_EQ(reason("(i32.const -1)"), "realloc return: beyond end of memory");
}

TEST_F(Realloc, ItMayGrowTheMemory) {
  text = std::string(100'000, 'x');
  Guest guest(host, reallocating("(drop (memory.grow (i32.const 100))) (i32.const 65536)"), &text);
  EXPECT_EQ(guest.call<std::string>("run"), text);
}

TEST_F(Realloc, ItMayGrowTheMemoryEachTime) {
  Guest guest(host, reallocating("(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))"), &text);
  for (const char c : {'a', 'b', 'c'}) {
    text = std::string(60'000, c);
    EXPECT_EQ(guest.call<std::string>("run"), text);
  }
}

TEST_F(Realloc, ResultPointersAreChecked) {
  EXPECT_EQ(reason("(i32.const 1024)", "(i32.const 65)"), "unaligned pointer");
  EXPECT_EQ(reason("(i32.const 1024)", "(i32.const 65532)"), "pointer out of bounds of memory");
  EXPECT_EQ(reason("(i32.const 1024)", "(i32.const -4)"), "pointer out of bounds of memory");
}

TEST_F(Realloc, MayNotLeaveTheInstance) {
  EXPECT_EQ(reason("(call $tick) (i32.const 1024)"), "cannot leave component instance");
  EXPECT_EQ(reason("(i32.const 1024)", "(i32.const 64)", "(call $tick)"),
            "cannot leave component instance");
}

TEST_F(Realloc, PostReturnIsCalledOnceForEachCall) {
  Guest guest(host, reallocating("(i32.const 1024)"), &text);
  EXPECT_EQ(guest.call<std::uint32_t>("posts"), 0u);
  EXPECT_EQ(guest.call<std::string>("run"), "hello");
  EXPECT_EQ(guest.call<std::uint32_t>("posts"), 1u);
  EXPECT_EQ(guest.call<std::string>("run"), "hello");
  EXPECT_EQ(guest.call<std::uint32_t>("posts"), 2u);
}

// ---- More than 16 flat parameters, and answers of all kinds

std::uint64_t many(Call&, std::uint8_t a, std::uint64_t b, std::string_view c, double d,
                   std::uint16_t e, std::optional<std::uint32_t> f, std::string_view g,
                   std::string_view h, std::string_view i, std::uint8_t j, std::string_view k) {
  EXPECT_EQ(k, "a");
  EXPECT_EQ(c, "abc");
  EXPECT_EQ(d, 1.5);
  EXPECT_EQ(f, 77u);
  EXPECT_EQ(g, "bc");
  EXPECT_EQ(h, "c");
  EXPECT_EQ(i, "");
  return a + b + e + j;
}

TEST(Abi, ManyParametersLieInMemory) {
  TestHost host;
  host.interfaces.add(std::string(kHost)).func<&many>("many");
  const auto text = [](int pointer) {
    return fmt::format(R"((component
    (import "test:abi/host" (instance $host (export "many" (func (param "a" u8) (param "b" u64) (param "c" string)
      (param "d" f64) (param "e" u16) (param "f" (option u32)) (param "g" string) (param "h" string) (param "i" string)
      (param "j" u8) (param "k" string) (result u64)))))
    (core module $memory_module (memory (export "memory") 1)
      (data (i32.const 0) "abc")
      (data (i32.const 64) "\01\ee\ee\ee\ee\ee\ee\ee" "\02\00\00\00\00\00\00\00" "\00\00\00\00\03\00\00\00"
        "\00\00\00\00\00\00\f8\3f" "\04\00\ee\ee\01\ee\ee\ee" "\4d\00\00\00\01\00\00\00" "\02\00\00\00\02\00\00\00"
        "\01\00\00\00\03\00\00\00" "\00\00\00\00\05\ee\ee\ee" "\00\00\00\00\01\00\00\00"))
    (core instance $memory (instantiate $memory_module))
    (core func $many (canon lower (func $host "many") (memory (core memory $memory "memory"))))
    (core module $main_module
      (import "host" "many" (func $many (param i32) (result i64)))
      (func (export "run") (result i64) (call $many (i32.const {}))))
    (core instance $main (instantiate $main_module (with "host" (instance (export "many" (func $many))))))
    (func (export "run") (result u64) (canon lift (core func $main "run")))))",
                       pointer);
  };
  Guest guest(host, text(64));
  const auto sum = guest.call<std::uint64_t>("run");
  ASSERT_TRUE(sum) << sum.error().describe();
  EXPECT_EQ(*sum, 1u + 2 + 4 + 5);
  const auto unaligned = Guest(host, text(68)).call<std::uint64_t>("run");
  ASSERT_FALSE(unaligned);
  EXPECT_EQ(unaligned.error().reason, "unaligned pointer");
  const auto outside = Guest(host, text(65536 - 64)).call<std::uint64_t>("run");
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().reason, "pointer out of bounds of memory");
}

Reply<std::string> later(Call&, std::string_view text) {
  return [](std::string owned) -> Task<std::string> {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(2));
    co_await timer.async_wait(use_task);
    co_return owned + "!";
  }(std::string(text));
}
Reply<std::string> now(Call&, std::string_view text) { return std::string(text) + "?"; }
Result<std::string> failing(Call&, std::string_view) {
  return fail(ErrorCode::Denied, "not for you");
}
Reply<Result<std::string>> failing_later(Call&, std::string_view) {
  return []() -> Task<Result<std::string>> {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(2));
    co_await timer.async_wait(use_task);
    co_return fail(ErrorCode::Denied, "not for you, later");
  }();
}
Reply<std::string> throwing_later(Call&, std::string_view) {
  return []() -> Task<std::string> {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(2));
    co_await timer.async_wait(use_task);
    throw std::runtime_error("a bug, later");
  }();
}
std::string throwing(Call&, std::string_view) { throw std::runtime_error("a bug"); }

template <auto Fn>
std::expected<std::string, engine::Fault> answer_of() {
  TestHost host;
  // A signature is enough to link: `echo` and `give` are those of a string.
  host.interfaces.add(std::string(kHost))
      .template func<Fn>("echo")
      .template func<&give<std::string>>("give");
  Guest guest(host, passing(plain("string", "i32 i32", 12)));
  return guest.call<std::string>("echo", std::string("text"));
}

TEST(Abi, HostFunctionsAnswerInManyWays) {
  EXPECT_EQ(answer_of<&now>(), "text?");
  EXPECT_EQ(answer_of<&later>(), "text!");
  const auto failed = answer_of<&failing>();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, engine::Fault::Kind::Trap);
  EXPECT_EQ(failed.error().reason, "not for you");
  const auto failed_later = answer_of<&failing_later>();
  ASSERT_FALSE(failed_later);
  EXPECT_EQ(failed_later.error().reason, "not for you, later");
  const auto threw = answer_of<&throwing>();
  ASSERT_FALSE(threw);
  EXPECT_EQ(threw.error().kind, engine::Fault::Kind::Internal);
  EXPECT_EQ(threw.error().reason, "a bug");
  const auto threw_later = answer_of<&throwing_later>();
  ASSERT_FALSE(threw_later);
  EXPECT_EQ(threw_later.error().kind, engine::Fault::Kind::Internal);
  EXPECT_EQ(threw_later.error().reason, "a bug, later");
}

// What a host function answers may come from outside the program; no guest may be given a string
// that is none.
std::string not_utf8(Call& call, std::string_view) { return call.host<std::string>(); }

TEST(Abi, StringsOfTheHostThatAreNoUtf8AreMadeSo) {
  struct Case {
    std::string text, passed;
  };
  for (const auto& [text, passed] : {Case{"a\xff"
                                          "b",
                                          "a\xef\xbf\xbd"
                                          "b"},
                                     {"\xf0\x9f\x98", "\xef\xbf\xbd"},
                                     {"ok\xc3", "ok\xef\xbf\xbd"},
                                     {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}}) {
    for (const std::string_view encoding : {"utf8", "utf16", "latin1+utf16"}) {
      TestHost host;
      host.interfaces.add(std::string(kHost))
          .func<&not_utf8>("echo")
          .func<&give<std::string>>("give");
      std::string component = passing(plain("string", "i32 i32", 12));
      constexpr std::string_view kOptions = "(memory $memory) (realloc $realloc)";
      for (std::size_t at = 0; (at = component.find(kOptions, at)) != std::string::npos;
           at += kOptions.size()) {
        component.insert(at, fmt::format("string-encoding={} ", encoding));
        at += 16 + encoding.size();
      }
      std::string data = text;
      Guest guest(host, component, &data);
      const auto answer = guest.call<std::string>("echo", std::string("x"));
      ASSERT_TRUE(answer) << encoding << ": " << answer.error().describe();
      EXPECT_EQ(*answer, passed) << encoding;
    }
  }
}

TEST(Abi, OtherEncodings) {
  for (const std::string_view encoding : {"utf16", "latin1+utf16"}) {
    TestHost host;
    host.interfaces.add(std::string(kHost))
        .func<&echo<std::string>>("echo")
        .func<&give<std::string>>("give");
    std::string text = passing(plain("string", "i32 i32", 12));
    constexpr std::string_view kOptions = "(memory $memory) (realloc $realloc)";
    for (std::size_t at = 0; (at = text.find(kOptions, at)) != std::string::npos;
         at += kOptions.size()) {
      const std::string inserted = fmt::format("string-encoding={} ", encoding);
      text.insert(at, inserted);
      at += inserted.size();
    }
    const auto component = link_text(host, text);
    ASSERT_TRUE(component) << component.error().message;
    for (const std::string& value :
         {std::string(), std::string("plain"), std::string("grün"), std::string("€ 100"),
          std::string("a😀b"), std::string("\0x", 2), std::string(70'000, 'y') + "😀",
          std::string("ÿĀ"), std::string(5'000, 'z')}) {
      std::vector<std::string> seen;
      Guest guest(host, *component, &seen);
      ASSERT_FALSE(guest.start());
      const auto answer = guest.call<std::string>("echo", value);
      ASSERT_TRUE(answer) << answer.error().describe();
      EXPECT_EQ(*answer, value);
      EXPECT_EQ(seen.at(0), value);
    }
  }
}

TEST(Abi, Utf16OfBadGuests) {
  // The lone surrogate D800, an odd pointer, a length beyond the memory.
  TestHost host;
  host.interfaces.add(std::string(kHost)).func<&take<std::string>>("take");
  const auto poke16 = [&](std::string_view encoding, std::string_view arguments) -> std::string {
    std::optional<std::string> seen;
    Guest guest(host,
                fmt::format(R"((component
      (import "test:abi/host" (instance $host (export "take" (func (param "x" string)))))
      (core module $memory_module (memory (export "memory") 1) (data (i32.const 16) "a\00\00\d8b\00"))
      (core instance $memory (instantiate $memory_module))
      (core func $take (canon lower (func $host "take") string-encoding={} (memory (core memory $memory "memory"))))
      (core module $main_module
        (import "host" "take" (func $take (param i32 i32)))
        (func (export "run") (call $take {})))
      (core instance $main (instantiate $main_module (with "host" (instance (export "take" (func $take))))))
      (func (export "run") (canon lift (core func $main "run")))))",
                            encoding, arguments),
                &seen);
    const auto ran = guest.call("run");
    return ran ? "=" + *seen : ran.error().reason;
  };
  EXPECT_EQ(poke16("utf16", "(i32.const 16) (i32.const 1)"), "=a");
  EXPECT_EQ(poke16("utf16", "(i32.const 16) (i32.const 3)"), "invalid utf-16: unpaired surrogate");
  EXPECT_EQ(poke16("utf16", "(i32.const 17) (i32.const 1)"), "string pointer not aligned to 2");
  EXPECT_EQ(poke16("utf16", "(i32.const 16) (i32.const 0x80000001)"),
            "string pointer/length out of bounds of memory");
  EXPECT_EQ(poke16("utf16", "(i32.const 65534) (i32.const 2)"),
            "string pointer/length out of bounds of memory");
  EXPECT_EQ(poke16("latin1+utf16", "(i32.const 16) (i32.const 1)"), "=a");
  EXPECT_EQ(poke16("latin1+utf16", "(i32.const 16) (i32.const 0x80000001)"), "=a");
  EXPECT_EQ(poke16("latin1+utf16", "(i32.const 18) (i32.const 2)"), std::string("=\0Ø", 4));
  EXPECT_EQ(poke16("latin1+utf16", "(i32.const 16) (i32.const 0x80000002)"),
            "invalid utf-16: unpaired surrogate");
  EXPECT_EQ(poke16("latin1+utf16", "(i32.const 17) (i32.const 1)"),
            "string pointer not aligned to 2");
  EXPECT_EQ(poke16("latin1+utf16", "(i32.const 0) (i32.const 0x7fffffff)"),
            "string pointer/length out of bounds of memory");
}

}  // namespace
}  // namespace unbolt::component
