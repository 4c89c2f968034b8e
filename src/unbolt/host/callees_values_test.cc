// Values of every shape go from one component to another in a store of its own and come back as
// they were.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "unbolt/host/testing/linked_world.h"

namespace unbolt::host {
namespace {

struct Shape {
  std::string_view type;    // as the text format has it
  std::string_view values;  // JSON: several values of it
};
constexpr Shape kShapes[] = {
    {"bool", "[true, false]"},
    {"s8", "[-128, 127]"},
    {"u8", "[0, 255]"},
    {"s16", "[-32768, 32767]"},
    {"u16", "[0, 65535]"},
    {"s32", "[-2147483648, 2147483647]"},
    {"u32", "[0, 4294967295]"},
    {"s64", "[-9223372036854775808, 9223372036854775807]"},
    {"u64", "[0, 18446744073709551615]"},
    {"f32", R"([0.5, -1.25, "NaN", "Infinity"])"},
    {"f64", R"([1e300, "-Infinity"])"},
    {"char", R"(["a", "ü", "😀"])"},
    {"string", R"(["", "plain", "wörld \u0000 😀"])"},
    {"(list u8)", "[[], [0, 255, 7]]"},
    {"(list (list string))", R"([[], [["a", ""], [], ["ü"]]])"},
    {"(list (tuple u8 u64 string))", R"([[[1, 2, "three"], [4, 5, "six"]]])"},
    {"(list s16 3)", "[[1, -2, 3]]"},
    {"(tuple u8 (option (tuple string f64)))", R"([[1, null], [2, ["x", 0.5]]])"},
    {"(option string)", R"([null, "some"])"},
    {"(option (option u32))",
     R"([{"tag":"none"}, {"tag":"some","val":null}, {"tag":"some","val":7}])"},
    {"(result)", R"([{"tag":"ok"}, {"tag":"err"}])"},
    {"(result u32 (error string))", R"([{"tag":"ok","val":7}, {"tag":"err","val":"no"}])"},
    {"(result f32 (error u64))", R"([{"tag":"ok","val":0.5}, {"tag":"err","val":7}])"},
    {"(result (error (list u16)))", R"([{"tag":"ok"}, {"tag":"err","val":[1,2]}])"},
    {"$point", R"([{"x":-1,"y":2}])"},
    {"(list $order)", R"([[{"id":7,"at":{"x":1,"y":2},"maxAge":null,"tags":["a","b"],"raw":[1,2]},)"
                      R"({"id":8,"at":{"x":0,"y":0},"maxAge":9,"tags":[],"raw":[]}]])"},
    {"(list $figure)",
     R"([[{"tag":"nothing"},{"tag":"circle","val":0.5},{"tag":"at","val":{"x":1,"y":2}},)"
     R"({"tag":"many","val":[1,2]},{"tag":"named","val":"n"}]])"},
    {"$color", R"(["red", "dark-blue"])"},
    {"$rights", R"([{"canRead":true,"canWrite":false,"run":true}])"},
};

// Types that have names, each declared and exported as the text format wants it. `eq` is how the
// name refers to what was declared.
std::string named_types(std::string_view keyword) {
  const auto one = [&](std::string_view name, std::string_view of) {
    return fmt::format("(type ${0}' {1}) ({2} \"{0}\" (type ${0} (eq ${0}')))\n", name, of,
                       keyword);
  };
  return one("point", R"((record (field "x" s32) (field "y" s32)))") +
         one("order", R"((record (field "id" u64) (field "at" $point) (field "max-age" (option u32))
           (field "tags" (list string)) (field "raw" (list u8))))") +
         one("figure", R"((variant (case "nothing") (case "circle" f64) (case "at" $point)
           (case "many" (list u32)) (case "named" string)))") +
         one("color", R"((enum "red" "green" "dark-blue"))") +
         one("rights", R"((flags "can-read" "can-write" "run"))");
}
constexpr std::string_view kNames[] = {"point", "order", "figure", "color", "rights"};

// With enough numbers beside it, a value goes through memory: then whoever passes it on need not
// know its shape.
std::string in_memory(std::string_view type) {
  std::string out = fmt::format("(tuple {}", type);
  for (int i = 0; i < 16; ++i) out += " u64";
  return out + ")";
}

constexpr std::string_view kAllocator = R"(
  (core module $alloc (memory (export "memory") 4)
    (global $bump (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $size i32) (param i32 i32) (result i32)
      (memory.copy (global.get $bump) (local.get $old)
        (select (local.get 3) (local.get $size) (i32.lt_u (local.get 3) (local.get $size))))
      (global.get $bump)
      (global.set $bump (i32.and (i32.const -8)
        (i32.add (i32.const 7) (i32.add (global.get $bump) (local.get 3)))))))
  (core instance $alloc (instantiate $alloc))
  (alias core export $alloc "memory" (core memory $mem))
  (alias core export $alloc "realloc" (core func $realloc)))";

// Exports "test:it/same", each of whose functions gives back what it got.
std::string callee(std::string_view encoding) {
  std::string lifts, imports, exports, with;
  for (std::size_t i = 0; i < std::size(kShapes); ++i) {
    const auto type = in_memory(kShapes[i].type);
    lifts += fmt::format(
        R"((func $f{0} (param "x" {1}) (result {1})
          (canon lift (core func $i "same") (memory $mem) (realloc $realloc) {2})))",
        i, type, encoding);
    imports += fmt::format(R"((import "f{0}" (func $f{0} (param "x" {1}) (result {1}))))", i, type);
    with += fmt::format(R"((with "f{0}" (func $f{0})))", i);
  }
  // The same types again, made of the exported ones.
  std::string renamed = named_types("export");
  for (const auto name : kNames) {
    const auto as_eq = fmt::format("(export \"{0}\" (type ${0} (eq ${0}')))", name);
    renamed.replace(renamed.find(as_eq), as_eq.size(),
                    fmt::format("(export ${0} \"{0}\" (type ${0}'))", name));
  }
  for (auto at = renamed.find('$'); at != std::string::npos; at = renamed.find('$', at + 1))
    renamed.insert(at + 1, "e-");
  for (std::size_t i = 0; i < std::size(kShapes); ++i) {
    std::string type = in_memory(kShapes[i].type);
    if (const auto at = type.find('$'); at != std::string::npos) type.insert(at + 1, "e-");
    exports +=
        fmt::format(R"((export "f{0}" (func $f{0}) (func (param "x" {1}) (result {1}))))", i, type);
  }
  std::string types, with_types;
  for (const auto name : kNames) with_types += fmt::format("(with \"{0}\" (type ${0}))", name);
  types = named_types("import");
  // At the root the types stand under the same names, without being imported.
  std::string plain = types;
  for (const auto name : kNames) {
    const auto import = fmt::format("(import \"{0}\" (type ${0} (eq ${0}')))", name);
    plain.replace(plain.find(import), import.size(), "");
    for (auto at = plain.find(fmt::format("${}'", name)); at != std::string::npos;
         at = plain.find(fmt::format("${}'", name)))
      plain.erase(at + name.size() + 1, 1);
  }
  return fmt::format(
      R"((component {allocator}
    (core module $m (func (export "same") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m))
    {plain} {lifts}
    (component $inner {types} {imports} {renamed} {exports})
    (instance $made (instantiate $inner {with_types} {with}))
    (export "test:it/same@0.1.0" (instance $made))))",
      fmt::arg("allocator", kAllocator), fmt::arg("plain", plain), fmt::arg("lifts", lifts),
      fmt::arg("types", types), fmt::arg("imports", imports), fmt::arg("renamed", renamed),
      fmt::arg("exports", exports), fmt::arg("with_types", with_types), fmt::arg("with", with));
}

// Exports at its top what it imports from there.
std::string caller(std::string_view encoding) {
  std::string imports, aliases, lowers, core_imports, core_funcs, core_with, lifts;
  for (std::size_t i = 0; i < std::size(kShapes); ++i) {
    const auto type = in_memory(kShapes[i].type);
    imports += fmt::format(R"((export "f{0}" (func (param "x" {1}) (result {1}))))", i, type);
    lowers += fmt::format(
        R"((core func $f{0} (canon lower (func $it "f{0}") (memory $mem) (realloc $realloc) {1})))",
        i, encoding);
    core_imports += fmt::format(R"((import "" "f{0}" (func $f{0} (param i32 i32))))", i);
    core_funcs += fmt::format(R"((func (export "f{0}") (param i32) (result i32)
      (call $f{0} (local.get 0) (i32.const 512)) (i32.const 512)))",
                              i);
    core_with += fmt::format(R"((export "f{0}" (func $f{0})))", i);
    lifts += fmt::format(R"((func $g{0} (param "x" {1}) (result {1})
          (canon lift (core func $i "f{0}") (memory $mem) (realloc $realloc) {2}))
          (export "f{0}" (func $g{0})))",
                         i, type, encoding);
  }
  for (const auto name : kNames)
    aliases += fmt::format(
        "(alias export $it \"{0}\" (type ${0}0)) (export ${0} \"{0}\" (type ${0}0))", name);
  return fmt::format(R"((component
    (import "test:it/same@0.1.0" (instance $it {types} {imports}))
    {aliases} {allocator} {lowers}
    (core module $m {core_imports} {core_funcs})
    (core instance $i (instantiate $m (with "" (instance {core_with}))))
    {lifts}))",
                     fmt::arg("types", named_types("export")), fmt::arg("imports", imports),
                     fmt::arg("aliases", aliases), fmt::arg("allocator", kAllocator),
                     fmt::arg("lowers", lowers), fmt::arg("core_imports", core_imports),
                     fmt::arg("core_funcs", core_funcs), fmt::arg("core_with", core_with),
                     fmt::arg("lifts", lifts));
}

// The encodings of the caller's and the callee's strings.
class ValuesBetweenComponents
    : public testing::TestWithParam<std::pair<std::string_view, std::string_view>> {};

TEST_P(ValuesBetweenComponents, ComeBackAsTheyWere) {
  LinkedWorld world;
  auto& same = world.add("same", callee(GetParam().second));
  auto& passes = world.add("passes", caller(GetParam().first), {{"test:it/same", &same}});
  for (std::size_t i = 0; i < std::size(kShapes); ++i) {
    const auto function = fmt::format("f{}", i);
    const auto* func = passes.served.component->find_export("", function);
    const component::Type& type = *func->type->params[0].type->children[0];
    for (const auto& json : nlohmann::ordered_json::parse(kShapes[i].values)) {
      auto value = component::value_from_json(type, json, "value");
      ASSERT_TRUE(value) << value.error().message;
      std::string text, numbers;
      component::write_json(type, *value, text);
      for (int n = 1; n <= 16; ++n) numbers += fmt::format(",{}", n);
      const auto tuple = fmt::format("[{}{}]", text, numbers);
      const auto back = passes.call(function, "[" + tuple + "]");
      EXPECT_EQ(back ? *back : back.error().describe(), tuple) << kShapes[i].type;
    }
  }
  EXPECT_EQ(same.live(), 0u);
}

constexpr std::string_view kUtf8 = "", kUtf16 = "string-encoding=utf16",
                           kLatin1 = "string-encoding=latin1+utf16";
INSTANTIATE_TEST_SUITE_P(Encodings, ValuesBetweenComponents,
                         testing::Values(std::pair(kUtf8, kUtf8), std::pair(kUtf8, kUtf16),
                                         std::pair(kUtf16, kLatin1), std::pair(kLatin1, kUtf8)));

}  // namespace
}  // namespace unbolt::host
