#include "unbolt/engine/host_funcs.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/engine/store.h"
#include "unbolt/engine/testing/wat.h"

namespace unbolt::engine {
namespace {

using enum CoreType;

// Leaves 100 times its environment's number more in the first value.
Trap* add_hundreds(void* env, Caller*, Raw* values, std::size_t) noexcept {
  values[0].i64 = values[0].i32 + 100 * *static_cast<const int*>(env);
  return nullptr;
}
Trap* remember(void* env, Caller*, Raw* values, std::size_t) noexcept {
  *static_cast<double*>(env) = static_cast<double>(values[0].f32) + values[1].f64;
  return nullptr;
}

// A host function, a memory and a table of an instance, and what another makes of them.
constexpr std::string_view kLibrary = R"((module
  (memory (export "memory") 1)
  (table (export "table") 4 funcref)
  (data (i32.const 8) "\2a")
  (type $f (func (param i32) (result i64)))
  (func (export "through-table") (param i32) (result i64)
    (call_indirect (type $f) (local.get 0) (i32.const 3)))))";
constexpr std::string_view kUser = R"((module
  (import "a" "add" (func $add (param i32) (result i64)))
  (import "a" "note" (func $note (param f32 f64)))
  (import "b" "memory" (memory 1))
  (import "b" "through-table" (func $through (param i32) (result i64)))
  (func (export "run") (param i32) (result i64)
    (call $note (f32.const 0.5) (f64.const 2))
    (i64.add (call $add (i32.load (i32.const 8))) (call $through (local.get 0))))))";

class Guest {
 public:
  explicit Guest(const FiberSupport& fibers) : store_(fibers, nullptr, {}) {}
  void instantiate(const PreparedModule& module) {
    wasmtime_instance_t instance;
    if (!store_.begin_instantiate(module, instance, slots.data())) run_task(loop_, store_.settle());
    const auto fault = store_.take_fault();
    EXPECT_FALSE(fault) << fault->describe();
  }
  std::int64_t call(std::uint32_t slot, std::int32_t argument) {
    struct Body final : Store::Body {
      Func func;
      Raw value;
      Trap* run(Store& store) override { return store.call(func, &value, 1); }
    } body;
    body.func = slots[slot].of.func;
    body.value.i32 = argument;
    if (!store_.begin(body)) run_task(loop_, store_.settle());
    EXPECT_FALSE(store_.take_fault());
    return body.value.i64;
  }
  Store& store() { return store_; }

  std::array<Extern, 6> slots{};

 private:
  asio::io_context loop_;
  Store store_;
};

TEST(HostFuncs, InstancesTakeThemFromSlotsInEveryStore) {
  const Engine engine(EngineOptions{.max_instances = 0});
  const FiberSupport fibers(engine);
  int hundreds = 3;
  double noted = 0;
  const std::array funcs{HostFunc{{{I32}, {I64}}, add_hundreds, &hundreds, 1},
                         HostFunc{{{F32, F64}, {}}, remember, &noted, 4}};
  const auto host = prepare_host_funcs(engine, funcs, nullptr);
  ASSERT_TRUE(host) << host.error().message;

  const auto library = Module::compile(engine, wat(kLibrary));
  ASSERT_TRUE(library) << library.error().message;
  auto library_step = PreparedModule::prepare(*library, {});
  EXPECT_TRUE(library_step.keep("memory", 0));
  EXPECT_TRUE(library_step.keep("table", 2));
  EXPECT_TRUE(library_step.keep("through-table", 3));
  EXPECT_FALSE(library_step.keep("no-such-export", 5));

  const auto user = Module::compile(engine, wat(kUser));
  ASSERT_TRUE(user) << user.error().message;
  auto user_step = PreparedModule::prepare(*user, std::array<std::uint32_t, 4>{1, 4, 0, 3});
  EXPECT_TRUE(user_step.keep("run", 5));

  for (int i = 0; i < 2; ++i) {
    noted = 0;
    Guest guest(fibers);
    guest.instantiate(*host);
    guest.instantiate(library_step);
    guest.instantiate(user_step);
    guest.store().set_table(guest.slots[2], 3, guest.slots[1].of.func);
    EXPECT_EQ(guest.call(5, 7), (42 + 300) + (7 + 300));
    EXPECT_EQ(noted, 2.5);
  }
}

TEST(HostFuncs, AnImportOfAnotherTypeIsAFault) {
  const Engine engine(EngineOptions{.max_instances = 0});
  const FiberSupport fibers(engine);
  double noted = 0;
  const std::array funcs{HostFunc{{{F32, F64}, {}}, remember, &noted, 0}};
  const auto host = prepare_host_funcs(engine, funcs, nullptr);
  ASSERT_TRUE(host) << host.error().message;
  const auto user =
      Module::compile(engine, wat("(module (import \"a\" \"b\" (func (param i32))))"));
  ASSERT_TRUE(user) << user.error().message;
  const auto step = PreparedModule::prepare(*user, std::array<std::uint32_t, 1>{0});
  Guest guest(fibers);
  guest.instantiate(*host);
  wasmtime_instance_t instance;
  EXPECT_TRUE(guest.store().begin_instantiate(step, instance, guest.slots.data()));
  const auto fault = guest.store().take_fault();
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->describe().find("incompatible import type"), std::string::npos)
      << fault->describe();
}

}  // namespace
}  // namespace unbolt::engine
