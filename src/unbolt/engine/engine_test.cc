#include "unbolt/engine/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/engine/store.h"
#include "unbolt/engine/testing/wat.h"

namespace unbolt::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kGiB = 1ull << 30;

TEST(FittingPool, Table) {
  struct Case {
    std::size_t wanted;
    MachineLimits limits;
    std::size_t size;
  };
  const Case cases[] = {
      {1000, {128'000 * kGiB, 65'530}, 1000},  // an x86-64 as it comes
      {0, {128'000 * kGiB, 65'530}, 0},
      {1'000'000,
       {128'000 * kGiB, 65'530},
       11'063},  // bound by the mappings: (65,530 − 8,000) / 5.2
      {1000,
       {384 * kGiB, 65'530},
       63},  // 39 bits of addresses: two thirds of them, 4 GiB and 64 MiB each
      {1000, {8 * kGiB, 65'530}, 0},  // too small to be worth it
      {1000, {0, 65'530}, 0},
      {1000, {128'000 * kGiB, 0}, 0},
      {1000, {128'000 * kGiB, 8'000}, 0},
      {1000, {128'000 * kGiB, 8'083}, 0},  // 15: below the smallest pool
      {1000, {128'000 * kGiB, 8'084}, 16},
      {3, {128'000 * kGiB, 65'530}, 3},  // who asks for few gets few
      {3, {128'000 * kGiB, 8'012}, 0},   // but not fewer
  };
  for (const Case& c : cases) {
    EXPECT_EQ(fitting_pool(c.wanted, c.limits), c.size)
        << c.wanted << " of " << c.limits.address_space << " bytes and " << c.limits.mappings
        << " mappings";
  }
}

TEST(MachineLimits, AreOfThisMachine) {
  const MachineLimits limits = machine_limits();
  EXPECT_GT(limits.address_space, 4 * kGiB);
  EXPECT_GT(limits.mappings, 1'000u);
}

constexpr std::string_view kTenant = R"((module
  (memory (export "memory") 4)
  (func (export "read") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "write") (param i32) (result i32)
    (i32.store (local.get 0) (i32.const 0x5ec4e7)) (i32.const 0))))";

// One instance of a module without imports.
class Tenant {
 public:
  Tenant(const FiberSupport& fibers, const Linker& linker, const Module& module)
      : module_(module), store_(fibers, nullptr, {}) {
    auto pre = PreparedModule::prepare(linker, module);
    EXPECT_TRUE(pre);
    if (!store_.begin_instantiate(*pre, instance_)) run_task(loop_, store_.settle());
    fault = store_.take_fault();
  }
  std::int32_t call(std::string_view name, std::int32_t argument) {
    struct Body final : Store::Body {
      Func func;
      Raw value;
      Trap* run(Store& store) override { return store.call(func, &value, 1); }
    } body;
    body.func = store_.export_of(instance_, module_.find_export(name).get()).of.func;
    body.value.i32 = argument;
    if (!store_.begin(body)) run_task(loop_, store_.settle());
    EXPECT_FALSE(store_.take_fault());
    return body.value.i32;
  }

  std::optional<Fault> fault;

 private:
  asio::io_context loop_;
  const Module& module_;
  Store store_;
  wasmtime_instance_t instance_{};
};

// Runs tenants in a small pool; 0 where all went well.
int serve(const Engine& engine) {
  FiberSupport fibers(engine);
  Linker linker(engine);
  auto module = Module::compile(engine, wat(kTenant));
  if (!module) return 1;
  for (int i = 0; i < 20; ++i) {
    Tenant tenant(fibers, linker, *module);
    if (tenant.fault) return 2;
    for (int page = 0; page < 4 * 16; ++page) {
      if (tenant.call("read", page * 4096 + 8) != 0) return 3;
      tenant.call("write", page * 4096 + 8);
    }
  }
  return 0;
}

class KeptFunctions : public testing::Test {
 public:
  KeptFunctions() {
    std::string name = (fs::temp_directory_path() / "unbolt-functions-XXXXXX").string();
    EXPECT_TRUE(::mkdtemp(name.data()));
    folder = name;
    file = folder / "functions";
  }
  ~KeptFunctions() override { fs::remove_all(folder); }

 protected:
  // What "second" answers to 5, from a program of its own that keeps functions.
  std::int32_t run(std::string_view added) {
    Engine engine({.kept_functions = file});
    FiberSupport fibers(engine);
    Linker linker(engine);
    std::string text = "(module (func (param i32) (result i32) local.get 0 i32.const 7 i32.mul)";
    for (int i = 0; i < 40; ++i)
      text += fmt::format("(func (param i32) (result i32) local.get 0 i32.const {} i32.xor)", i);
    text += fmt::format(
        "(func (export \"second\") (param i32) (result i32) local.get 0 call 0 i32.const {} "
        "i32.add))",
        added);
    const auto module = Module::compile(engine, wat(text));
    EXPECT_TRUE(module);
    return module ? Tenant(fibers, linker, *module).call("second", 5) : 0;
  }
  std::uintmax_t kept() const { return fs::file_size(file); }

  fs::path folder;
  std::string file;
};

TEST_F(KeptFunctions, OnlyWhatChangedIsCompiledAgain) {
  EXPECT_EQ(run("1"), 36);
  const auto first = kept();
  EXPECT_EQ(run("1"), 36);
  EXPECT_LT(kept() - first, first / 10);
  EXPECT_EQ(run("2"), 37);
  EXPECT_GT(kept(), first);
  EXPECT_LT(kept() - first, first / 5);
}

TEST_F(KeptFunctions, NothingIsTakenFromADamagedFile) {
  EXPECT_EQ(run("1"), 36);
  const auto size = kept();
  std::string bytes(size, '\0');
  std::ifstream(file, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(size));
  for (std::size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 40) {
    std::string damaged = bytes;
    damaged[at] ^= 0x10;
    std::ofstream(file, std::ios::binary | std::ios::trunc) << damaged;
    EXPECT_EQ(run("1"), 36) << at;
  }
}

TEST_F(KeptFunctions, WhereThereIsNoFileAllIsCompiled) {
  fs::create_directory(file);
  EXPECT_EQ(run("1"), 36);
}

TEST(Pool, NoTenantSeesWhatTheOneBeforeWrote) {
  for (const auto scan : {EngineOptions::PagemapScan::Auto, EngineOptions::PagemapScan::Off}) {
    for (const std::size_t keep : {std::size_t{0}, std::size_t{64} << 10, std::size_t{4} << 20}) {
      Engine engine({.max_instances = 1, .keep_resident = keep, .pagemap_scan = scan});
      EXPECT_EQ(serve(engine), 0) << keep;
    }
  }
}

TEST(Pool, FullPoolIsALimitNotATrap) {
  Engine engine({.max_instances = 2});
  if (engine.pool_size() == 0) GTEST_SKIP() << "this machine carries no pool";
  FiberSupport fibers(engine);
  Linker linker(engine);
  const auto module = Module::compile(engine, wat(kTenant));
  ASSERT_TRUE(module);
  auto first = std::make_unique<Tenant>(fibers, linker, *module);
  Tenant second(fibers, linker, *module);
  EXPECT_FALSE(first->fault);
  EXPECT_FALSE(second.fault);
  {
    Tenant third(fibers, linker, *module);
    ASSERT_TRUE(third.fault);
    EXPECT_EQ(third.fault->kind, Fault::Kind::Limit) << third.fault->reason;
  }
  first.reset();
  Tenant fourth(fibers, linker, *module);
  EXPECT_FALSE(fourth.fault);
}

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;  // reserves more addresses than the limits below
#else
constexpr bool kSanitized = false;
#endif

// In a child: how large a pool it makes under `limit` bytes of addresses, and whether guests run in
// it.
[[noreturn]] void serve_under(std::uint64_t limit, bool expect_pool) {
  const rlimit addresses{limit, limit};
  if (setrlimit(RLIMIT_AS, &addresses) != 0) std::_Exit(100);
  Engine engine({.max_instances = 1000});
  if ((engine.pool_size() > 0) != expect_pool) std::_Exit(101);
  std::_Exit(serve(engine));
}

TEST(PoolDeathTest, FallsBackWhereAddressesAreScarce) {
  if (kSanitized) GTEST_SKIP();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(serve_under(16 * kGiB, false), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(serve_under(100 * kGiB, false), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(serve_under(500 * kGiB, true), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace unbolt::engine
