#include "unbolt/component/types.h"

#include <gtest/gtest.h>

namespace unbolt::component {
namespace {

using enum TypeKind;
constexpr CoreType I32 = CoreType::I32, I64 = CoreType::I64;
using Flat = std::vector<CoreType>;

class TypesTest : public testing::Test {
 protected:
  const Type* scalar(TypeKind kind) { return types.add({.kind = kind}); }
  const Type* of(TypeKind kind, std::vector<const Type*> children) {
    std::vector<std::string> labels;
    if (kind == Record || kind == Variant) {
      for (std::size_t i = 0; i < children.size(); ++i) labels.push_back("l" + std::to_string(i));
    }
    return types.add({.kind = kind, .labels = std::move(labels), .children = std::move(children)});
  }
  const Type* flags(std::size_t bits) {
    return types.add({.kind = TypeKind::Flags, .labels = std::vector<std::string>(bits, "f")});
  }
  const Type* cases(std::size_t n) {
    return types.add({.kind = Enum,
                      .labels = std::vector<std::string>(n, "c"),
                      .children = std::vector<const Type*>(n)});
  }
  void expect(const Type* type, std::uint32_t size, std::uint32_t alignment, const Flat& flat) {
    ASSERT_TRUE(type);
    EXPECT_EQ(type->narrow.size, size) << to_wit(type);
    EXPECT_EQ(type->narrow.alignment, alignment) << to_wit(type);
    EXPECT_EQ(type->narrow.flat, flat) << to_wit(type);
  }
  TypeArena types;
};

TEST_F(TypesTest, Layouts) {
  const Type* u8 = scalar(U8);
  const Type* u16 = scalar(U16);
  const Type* u64 = scalar(U64);
  const Type* f32 = scalar(TypeKind::F32);
  const Type* f64 = scalar(TypeKind::F64);
  const Type* string = scalar(String);
  expect(scalar(Bool), 1, 1, {I32});
  expect(scalar(Char), 4, 4, {I32});
  expect(u64, 8, 8, {I64});
  expect(string, 8, 4, {I32, I32});
  expect(of(Record, {u8, u64, u16}), 24, 8, {I32, I64, I32});
  expect(of(Tuple, {u16, u8}), 4, 2, {I32, I32});
  expect(of(List, {u64}), 8, 4, {I32, I32});
  expect(types.add({.kind = List, .children = {u16}, .length = 3}), 6, 2, {I32, I32, I32});
  expect(of(Option, {nullptr, u8}), 2, 1, {I32, I32});
  expect(of(Option, {nullptr, u64}), 16, 8, {I32, I64});
  expect(of(TypeKind::Result, {nullptr, nullptr}), 1, 1, {I32});
  expect(of(TypeKind::Result, {string, u64}), 16, 8, {I32, I64, I32});
  expect(of(Variant, {f32, u16}), 8, 4, {I32, I32});   // f32 and i32: i32
  expect(of(Variant, {f32, f64}), 16, 8, {I32, I64});  // f32 and f64: i64
  expect(of(Variant, {f32, nullptr}), 8, 4, {I32, CoreType::F32});
  expect(of(Variant, {u64, f64}), 16, 8, {I32, I64});
  expect(of(Variant, {of(Tuple, {f32, f64}), string}), 24, 8, {I32, I32, I64});
  expect(cases(3), 1, 1, {I32});
  expect(cases(256), 1, 1, {I32});
  expect(cases(257), 2, 2, {I32});
  expect(cases(65'537), 4, 4, {I32});
  expect(flags(1), 1, 1, {I32});
  expect(flags(8), 1, 1, {I32});
  expect(flags(9), 2, 2, {I32});
  expect(flags(16), 2, 2, {I32});
  expect(flags(17), 4, 4, {I32});
  expect(flags(32), 4, 4, {I32});
  EXPECT_FALSE(flags(33));
  EXPECT_FALSE(flags(0));
}

TEST_F(TypesTest, PayloadsStandBehindTheirDiscriminant) {
  EXPECT_EQ(payload_offset(*of(Option, {nullptr, scalar(U8)}), Width::W32), 1u);
  EXPECT_EQ(payload_offset(*of(Option, {nullptr, scalar(U64)}), Width::W32), 8u);
  EXPECT_EQ(payload_offset(*of(Option, {nullptr, scalar(String)}), Width::W32), 4u);
  EXPECT_EQ(payload_offset(*of(Option, {nullptr, scalar(String)}), Width::W64), 8u);
  EXPECT_EQ(payload_offset(*of(Variant, std::vector<const Type*>(257, scalar(U8))), Width::W32),
            2u);
}

TEST_F(TypesTest, PointersAreAsWideAsAddresses) {
  const auto wide = [](const Type* type) {
    return std::tuple(type->wide.size, type->wide.alignment, type->wide.flat);
  };
  const Type* string = scalar(String);
  EXPECT_EQ(wide(string), std::tuple(16u, 8u, (Flat{I64, I64})));
  EXPECT_EQ(wide(of(List, {scalar(U8)})), std::tuple(16u, 8u, (Flat{I64, I64})));
  EXPECT_EQ(wide(of(Tuple, {scalar(U8), string})), std::tuple(24u, 8u, (Flat{I32, I64, I64})));
  EXPECT_EQ(wide(scalar(U32)), std::tuple(4u, 4u, Flat{I32}));
  const FuncType func{.params = {{"a", string}}, .result = string};
  EXPECT_EQ(flatten(func, Context::Lower, Width::W64).core, (CoreFuncType{{I64, I64, I64}, {}}));
  EXPECT_EQ(flatten(func, Context::Lift, Width::W64).core, (CoreFuncType{{I64, I64}, {I64}}));
}

TEST_F(TypesTest, SizesDoNotOverflow) {
  const Type* block = scalar(U64);
  for (int i = 0; i < 3; ++i) {
    block = types.add({.kind = List, .children = {block}, .length = 500});
    ASSERT_TRUE(block);
  }
  EXPECT_EQ(block->narrow.size, 1'000'000'000u);
  EXPECT_LE(block->narrow.flat.size(), kMaxFlatParams + 1);
  EXPECT_FALSE(of(Tuple, {block, block}));
  EXPECT_FALSE(types.add({.kind = List, .children = {block}, .length = 0xffffffff}));
  const Type* option = of(Option, {nullptr, block});
  ASSERT_TRUE(option);
  EXPECT_EQ(option->narrow.size, 1'000'000'008u);
}

TEST_F(TypesTest, SignaturesGoThroughMemoryBeyondSixteen) {
  const Type* u32 = scalar(U32);
  const Type* string = scalar(String);
  FuncType func;
  for (int i = 0; i < 16; ++i) func.params.push_back({"p", u32});
  func.result = u32;
  EXPECT_EQ(flatten(func, Context::Lower).core, (CoreFuncType{Flat(16, I32), {I32}}));
  func.result = string;
  EXPECT_EQ(flatten(func, Context::Lower).core, (CoreFuncType{Flat(17, I32), {}}));
  EXPECT_EQ(flatten(func, Context::Lift).core, (CoreFuncType{Flat(16, I32), {I32}}));
  func.params.push_back({"p", u32});
  EXPECT_EQ(flatten(func, Context::Lower).core, (CoreFuncType{Flat(2, I32), {}}));
  EXPECT_EQ(flatten(func, Context::Lift).core, (CoreFuncType{{I32}, {I32}}));
  EXPECT_TRUE(flatten(func, Context::Lift).params_in_memory);
  EXPECT_TRUE(flatten(func, Context::Lift).result_in_memory);
  func.params.clear();
  func.result = nullptr;
  EXPECT_EQ(flatten(func, Context::Lift).core, CoreFuncType{});
}

TEST_F(TypesTest, AsWit) {
  const Type* u32 = scalar(U32);
  const Type* string = scalar(String);
  FuncType func{{{"a", of(Option, {nullptr, u32})}, {"b", of(List, {string})}},
                of(TypeKind::Result, {nullptr, string})};
  EXPECT_EQ(to_wit(func), "func(a: option<u32>, b: list<string>) -> result<_, string>");
  EXPECT_EQ(to_wit(of(Record, {u32, string})), "record { l0: u32, l1: string }");
  EXPECT_EQ(to_wit(of(Variant, {nullptr, string})), "variant { l0, l1(string) }");
  EXPECT_EQ(to_wit(of(Tuple, {u32, of(TypeKind::Result, {nullptr, nullptr})})),
            "tuple<u32, result>");
  const Type* deep = u32;
  for (int i = 0; i < 20; ++i) deep = of(List, {deep});
  EXPECT_EQ(to_wit(deep), "list<list<list<list<list<list<…>>>>>>");
}

TEST_F(TypesTest, Equality) {
  const Type* a = of(Record, {scalar(U32), scalar(String)});
  EXPECT_TRUE(equal_shape(a, of(Record, {scalar(U32), scalar(String)})));
  EXPECT_FALSE(equal_shape(a, of(Record, {scalar(S32), scalar(String)})));
  EXPECT_FALSE(equal_shape(a, of(Tuple, {scalar(U32), scalar(String)})));
  EXPECT_FALSE(equal_shape(a, nullptr));
  ResourceType* one =
      types.add(ResourceType{.interface_name = "wasi:io/streams@0.2.0", .name = "input-stream"});
  ResourceType* newer =
      types.add(ResourceType{.interface_name = "wasi:io/streams@0.2.12", .name = "input-stream"});
  ResourceType* other =
      types.add(ResourceType{.interface_name = "wasi:io/streams@0.2.0", .name = "output-stream"});
  const auto own = [&](ResourceType* r) { return types.add({.kind = Own, .resource = r}); };
  EXPECT_TRUE(equal_shape(own(one), own(newer)));
  EXPECT_FALSE(equal_shape(own(one), own(other)));
  EXPECT_FALSE(equal_shape(own(one), types.add({.kind = Borrow, .resource = one})));
}

}  // namespace
}  // namespace unbolt::component
