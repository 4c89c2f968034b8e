// Values as the structs of a C compiler, and back.
#include "unbolt/plugin/native_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "unbolt/plugin/unbolt_plugin.h"

namespace unbolt::plugin {
namespace {

using component::CaseValue;
using component::Type;
using component::TypeKind;
using component::Value;
using component::Values;
using testing::HasSubstr;

class NativeValue : public testing::Test {
 protected:
  const Type* type(TypeKind kind, std::vector<const Type*> children = {},
                   std::vector<std::string> labels = {}) {
    Type made;
    made.kind = kind;
    made.children = std::move(children);
    made.labels = std::move(labels);
    return arena.add(std::move(made));
  }
  component::TypeArena arena;
  const Type* u8 = type(TypeKind::U8);
  const Type* u64 = type(TypeKind::U64);
  const Type* text = type(TypeKind::String);

  std::string problem(const Type& of, const void* at) {
    const auto loaded = load_native(of, static_cast<const std::uint8_t*>(at));
    return loaded ? "" : loaded.error().message;
  }
};

// The same as `record{u8, string, list<{u8, u64}>}` in C.
struct Pair {
  std::uint8_t a;
  std::uint64_t b;
};
struct Whole {
  std::uint8_t a;
  unbolt_bytes text, pairs;
};

TEST_F(NativeValue, LiesAsACCompilerHasIt) {
  const Type* pair = type(TypeKind::Record, {u8, u64}, {"a", "b"});
  const Type* pairs = type(TypeKind::List, {pair});
  const Type* whole = type(TypeKind::Record, {u8, text, pairs}, {"a", "text", "pairs"});
  ASSERT_EQ(whole->wide.size, sizeof(Whole));
  Value value;
  auto& fields = value.of.emplace<Values>(3);
  fields[0].of = std::uint64_t{7};
  fields[1].of = std::string("grüß");
  auto& two = fields[2].of.emplace<Values>(2);
  for (std::uint64_t i = 0; i < 2; ++i) {
    auto& one = two[i].of.emplace<Values>(2);
    one[0].of = i;
    one[1].of = i << 40;
  }
  Whole in{};
  Arena memory;
  ASSERT_TRUE(store_native(*whole, value, reinterpret_cast<std::uint8_t*>(&in), memory));
  EXPECT_EQ(in.a, 7);
  EXPECT_EQ(std::string_view(static_cast<const char*>(in.text.data), in.text.size), "grüß");
  ASSERT_EQ(in.pairs.size, 2u);
  EXPECT_EQ(static_cast<const Pair*>(in.pairs.data)[1].b, std::uint64_t{1} << 40);
  const auto back = load_native(*whole, reinterpret_cast<const std::uint8_t*>(&in));
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<std::string>(std::get<Values>(back->of)[1].of), "grüß");
  EXPECT_EQ(std::get<Values>(std::get<Values>(back->of)[2].of).size(), 2u);
}

TEST_F(NativeValue, WhatIsNoValueIsRefused) {
  const Type* pairs = type(TypeKind::List, {u64});
  unbolt_bytes bytes{"\xff", 1};
  EXPECT_THAT(problem(*text, &bytes), HasSubstr("not UTF-8"));
  bytes = {nullptr, 1};
  EXPECT_THAT(problem(*text, &bytes), HasSubstr("lies nowhere"));
  bytes = {"", ~std::size_t{0}};
  EXPECT_THAT(problem(*text, &bytes), HasSubstr("longer than there may be"));
  bytes = {"", (std::size_t{1} << 28) / 8};
  EXPECT_THAT(problem(*pairs, &bytes), HasSubstr("longer than there may be"));
  const std::uint32_t surrogate = 0xd800;
  EXPECT_THAT(problem(*type(TypeKind::Char), &surrogate), HasSubstr("0xd800"));
  const std::uint64_t third = 2;
  EXPECT_THAT(problem(*type(TypeKind::Option, {nullptr, u8}), &third),
              HasSubstr("case 2 of a type that has 2"));
}

TEST_F(NativeValue, SignaturesHaveNoNames) {
  const Type* pair = type(TypeKind::Record, {u8, u64}, {"a", "b"});
  component::FuncType func;
  func.params = {{"x", text}, {"y", type(TypeKind::List, {pair})}};
  func.result = type(TypeKind::Result, {nullptr, type(TypeKind::Option, {nullptr, u64})});
  EXPECT_EQ(signature_of(func), "func(string, list<{u8, u64}>) -> result<_, option<u64>>");
}

TEST_F(NativeValue, AnArenaIsBounded) {
  Arena memory;
  void* first = memory.allocate(3, 1);
  std::memset(first, 1, 3);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.allocate(8, 8)) % 8, 0u);
  EXPECT_NE(memory.allocate(100'000, 16), nullptr);
  EXPECT_EQ(memory.allocate(Arena::kMost, 1), nullptr);
}

}  // namespace
}  // namespace unbolt::plugin
