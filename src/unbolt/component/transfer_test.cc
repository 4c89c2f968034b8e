#include "unbolt/component/transfer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <fmt/format.h>

#include "unbolt/component/testing/guest.h"

namespace unbolt::component {
namespace {

std::string libc(int top) {
  return fmt::format(R"(
  (core module $libc_module
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const {}))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (memory.copy (local.get $at) (local.get $old)
        (select (local.get $size) (local.get $old_size) (i32.lt_u (local.get $size) (local.get $old_size))))
      (local.get $at)))
  (core instance $libc (instantiate $libc_module))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc)))",
                     top);
}

// Two components: $caller passes a T to $callee, once in flat values (`flat`, which $callee passes
// on to the host) and once through memory, as do all parameters when they are many (`memory`, which
// $callee answers with the T it was given).
std::string two_components(std::string_view declaration, std::string_view type,
                           std::string_view flat, std::string_view encoding) {
  std::string locals, padding, types;
  for (std::size_t i = 0;
       i < static_cast<std::size_t>(std::count(flat.begin(), flat.end(), ' ')) + 1; ++i) {
    locals += fmt::format("(local.get {})", i);
  }
  for (int i = 0; i < 16; ++i) padding += fmt::format("(param \"p{}\" u32)", i);
  const std::string import_type =
      declaration.empty()
          ? ""
          : fmt::format("(type $t_ {}) (import \"t\" (type $t (eq $t_)))", declaration);
  const std::string export_type =
      declaration.empty() ? ""
                          : fmt::format("(type $t_ {}) (export $t \"t\" (type $t_))", declaration);
  return fmt::format(
      R"((component
    (import "test:t/host" (instance $host {host_type} (export "take" (func (param "x" {type})))))
    {host_alias}
    (component $callee {import_type} {libc}
      (import "take" (func $take_ (param "x" {type})))
      (core func $take (canon lower (func $take_) {options} string-encoding={encoding}))
      (core module $main_module
        (import "h" "take" (func $take (param {flat})))
        (func (export "flat") (param {flat}) (call $take {locals}))
        (func (export "memory") (param i32) (result i32) (local.get 0)))
      (core instance $main (instantiate $main_module (with "h" (instance (export "take" (func $take))))))
      (func (export "flat") (param "x" {type}) (canon lift (core func $main "flat") {options} string-encoding={encoding}))
      (func (export "memory") (param "x" {type}) {padding} (result (tuple {type} u8))
        (canon lift (core func $main "memory") {options} string-encoding={encoding})))
    (component $caller {import_type} {other_libc}
      (import "flat" (func $flat_ (param "x" {type})))
      (import "memory" (func $memory_ (param "x" {type}) {padding} (result (tuple {type} u8))))
      (core func $flat (canon lower (func $flat_) {options}))
      (core func $through_memory (canon lower (func $memory_) {options}))
      (core module $main_module
        (import "h" "flat" (func $flat (param {flat})))
        (import "h" "memory" (func $memory (param i32 i32)))
        (func (export "flat") (param {flat}) (call $flat {locals}))
        (func (export "memory") (param i32 i32) (result i32)
          (call $memory (local.get 0) (i32.const 64)) (i32.const 64)))
      (core instance $main (instantiate $main_module (with "h" (instance
        (export "flat" (func $flat)) (export "memory" (func $through_memory))))))
      (func (export "flat") (param "x" {type}) (canon lift (core func $main "flat") {options}))
      (func (export "memory") (param "bytes" (list u8)) (result (tuple {type} u8)) (canon lift (core func $main "memory") {options})))
    (instance $callee_ (instantiate $callee {with_type} (with "take" (func $host "take"))))
    (instance $caller_ (instantiate $caller {with_type} (with "flat" (func $callee_ "flat"))
      (with "memory" (func $callee_ "memory"))))
    (export "flat" (func $caller_ "flat"))
    (export "memory" (func $caller_ "memory"))))",
      fmt::arg("host_type",
               declaration.empty()
                   ? ""
                   : fmt::format("(type $t_ {}) (export \"t\" (type $t (eq $t_)))", declaration)),
      fmt::arg("host_alias", declaration.empty() ? "" : "(alias export $host \"t\" (type $t))"),
      fmt::arg("type", type), fmt::arg("import_type", import_type),
      fmt::arg("export_type", export_type), fmt::arg("libc", libc(9000)),
      fmt::arg("other_libc", libc(4096)), fmt::arg("flat", flat), fmt::arg("locals", locals),
      fmt::arg("padding", padding), fmt::arg("encoding", encoding),
      fmt::arg("with_type", declaration.empty() ? "" : "(with \"t\" (type $t))"),
      fmt::arg("options", "(memory $memory) (realloc $realloc)"));
}

template <class T>
void take(Call& call, T value) {
  call.host<std::optional<T>>().emplace(std::move(value));
}

// `stored`: the T as it lies in memory at 4096, with what it points to behind 100 more bytes.
template <class T>
void check(std::string_view declaration, std::string_view type, std::string_view flat,
           std::vector<std::pair<T, std::vector<std::uint8_t>>> values) {
  SCOPED_TRACE(std::string(type) + " " + std::string(declaration));
  for (const std::string_view encoding : {"utf8", "utf16", "latin1+utf16"}) {
    TestHost host;
    host.interfaces.add("test:t/host").template func<&take<T>>("take");
    const auto component = link_text(host, two_components(declaration, type, flat, encoding));
    ASSERT_TRUE(component) << component.error().message;
    for (const auto& [value, stored] : values) {
      std::optional<T> seen;
      Guest passing(host, *component, &seen);
      ASSERT_FALSE(passing.start());
      const auto passed = passing.call("flat", value);
      ASSERT_TRUE(passed) << passed.error().describe();
      EXPECT_TRUE(seen && *seen == value);

      Guest storing(host, *component, &seen);
      ASSERT_FALSE(storing.start());
      const auto answer = storing.call<std::tuple<T, std::uint8_t>>("memory", stored);
      ASSERT_TRUE(answer) << answer.error().describe();
      EXPECT_TRUE(std::get<0>(*answer) == value) << encoding;
    }
  }
}

std::vector<std::uint8_t> bytes(std::initializer_list<int> head, std::string_view behind = "") {
  std::vector<std::uint8_t> out;
  for (const int b : head) out.push_back(static_cast<std::uint8_t>(b));
  out.resize(128);  // 4224 = 0x1080
  out.insert(out.end(), behind.begin(), behind.end());
  out.resize(out.size() + 16);
  return out;
}

TEST(Transfer, Scalars) {
  check<bool>("", "bool", "i32", {{true, bytes({1})}, {true, bytes({9})}, {false, bytes({0})}});
  check<std::int8_t>("", "s8", "i32", {{-3, bytes({0xfd})}});
  check<std::uint16_t>("", "u16", "i32", {{0xabcd, bytes({0xcd, 0xab})}});
  check<std::int64_t>("", "s64", "i64", {{-2, bytes({0xfe, 255, 255, 255, 255, 255, 255, 255})}});
  check<float>("", "f32", "f32", {{1.5f, bytes({0, 0, 0xc0, 0x3f})}});
  check<double>("", "f64", "f64", {{-0.5, bytes({0, 0, 0, 0, 0, 0, 0xe0, 0xbf})}});
  check<char32_t>("", "char", "i32", {{U'€', bytes({0xac, 0x20, 0, 0})}});
}

TEST(Transfer, StringsAndLists) {
  check<std::string>("", "string", "i32 i32",
                     {{"grün", bytes({0x80, 0x10, 0, 0, 5, 0, 0, 0}, "grün")},
                      {"€😀", bytes({0x80, 0x10, 0, 0, 7, 0, 0, 0}, "€😀")},
                      {"", bytes({0, 0, 0, 0, 0, 0, 0, 0})}});
  check<std::vector<std::uint16_t>>(
      "", "(list u16)", "i32 i32",
      {{{0x6161, 0x6262}, bytes({0x80, 0x10, 0, 0, 2, 0, 0, 0}, "aabb")}});
  check<std::vector<std::optional<std::uint8_t>>>(
      "", "(list (option u8))", "i32 i32",
      {{{std::nullopt, 0x61},
        bytes({0x80, 0x10, 0, 0, 2, 0, 0, 0}, std::string_view("\0\0\1a", 4))}});
  check<std::vector<std::string>>("", "(list string)", "i32 i32",
                                  {{{"ü"},
                                    bytes({0x80, 0x10, 0, 0, 1, 0, 0, 0},
                                          std::string_view("\x88\x10\0\0\2\0\0\0\xc3\xbc", 10))}});
}

TEST(Transfer, OptionsResultsAndTuples) {
  check<std::optional<std::uint64_t>>(
      "", "(option u64)", "i32 i64",
      {{std::nullopt, bytes({0})}, {5, bytes({1, 0, 0, 0, 0, 0, 0, 0, 5})}});
  using R = std::expected<std::uint8_t, std::string>;
  check<R>("", "(result u8 (error string))", "i32 i32 i32",
           {{R(7), bytes({0, 0, 0, 0, 7})},
            {std::unexpected(std::string("no")), bytes({1, 0, 0, 0, 0x80, 0x10, 0, 0, 2}, "no")}});
  check<std::tuple<std::uint8_t, double, char32_t>>(
      "", "(tuple u8 f64 char)", "i32 f64 i32",
      {{{1, -0.5, U'a'},
        bytes({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0xbf, 0x61, 0, 0, 0})}});
}

TEST(Transfer, Variants) {
  using V = std::variant<std::monostate, float, double, std::string>;
  check<V>(R"((variant (case "n") (case "f" f32) (case "d" f64) (case "s" string)))", "$t",
           "i32 i64 i32",
           {{V(), bytes({0})},
            {V(1.5f), bytes({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0x3f})},
            {V(-0.5), bytes({2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0xbf})},
            {V("ok"), bytes({3, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x10, 0, 0, 2}, "ok")}});
}

}  // namespace
}  // namespace unbolt::component
