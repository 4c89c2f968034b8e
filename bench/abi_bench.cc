// What it costs to cross from a guest into the host and back, through the typed binding
// (component/bind.h), beside the floor: the same core module, its imports met by raw host functions
// written by hand for these types, without checks. And from one component of a file to another.
// Run by bench/interleave.py, beside the peers (bench/peer).
//
//   abi_bench build/guests/abi-bench.wasm build/guests/pass-bench.wasm
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>

#include "bench/measure.h"
#include "unbolt/component/bind.h"
#include "unbolt/component/host_interface.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/engine/engine.h"
#include "unbolt/engine/store.h"

using namespace unbolt;
using component::Call;
using engine::Raw;

namespace {

constexpr std::size_t kBlock = 64 * 1024;
constexpr std::string_view kText = "sixteen letters.";
constexpr std::string_view kHost = "bench:abi/host", kLoops = "bench:abi/loops";

struct Loop {
  const char* figure;
  const char* name;
  std::uint32_t times;
};
constexpr std::array kHostCalls = {
    Loop{"scalar", "scalars", 200'000}, Loop{"bytes", "lists", 400}, Loop{"text", "texts", 50'000},
    Loop{"record", "records", 100'000}, Loop{"resource", "things", 50'000}};
constexpr std::array kPasses = {Loop{"pass.number", "numbers", 50'000},
                                Loop{"pass.string", "strings", 50'000}};

// ---- Ours: what a provider author writes.

struct Eight {
  std::uint8_t a;
  std::uint16_t b;
  std::uint32_t c;
  std::uint64_t d;
  std::int32_t e;
  float f;
  double g;
  bool h;
};
struct Thing {
  std::uint32_t n;
};
struct Host {
  std::array<std::uint8_t, kBlock> kept;
};

std::uint32_t scalar(Call&, std::uint32_t x) { return x + 1; }
ByteView bytes(Call& call, ByteView in) {
  auto& kept = call.host<Host>().kept;
  std::memcpy(kept.data(), in.data(), in.size());
  return ByteView(kept).first(in.size());
}
std::string_view text(Call&) { return kText; }
Eight turn(Call&, Eight x) {
  ++x.c;
  return x;
}
component::Own<Thing> new_thing(Call&, std::uint32_t n) { return std::make_unique<Thing>(n); }

// ---- The floor: the least that any host on this engine does.

struct RawHost {
  Host host;
  engine::Memory memory{};
  engine::Func realloc{};
  std::vector<Thing*> things;
};

struct RawCall {
  wasmtime_context_t* context;
  RawHost& host;
  explicit RawCall(engine::Caller* caller)
      : context(wasmtime_caller_context(caller)),
        host(*static_cast<RawHost*>(engine::Store::of(caller).owner())) {}
  std::uint8_t* memory() const { return wasmtime_memory_data(context, &host.memory); }
  // Into new memory of the guest's; pointer and length go to `out`.
  engine::Trap* give(const void* data, std::size_t size, std::uint32_t out) const {
    Raw values[4] = {};
    values[2].i32 = 1;
    values[3].i32 = static_cast<std::int32_t>(size);
    engine::Trap* trap = nullptr;
    if (wasmtime_func_call_unchecked(context, &host.realloc, values, 4, &trap)) std::abort();
    if (trap) return trap;
    std::uint8_t* base = memory();
    const auto pointer = static_cast<std::uint32_t>(values[0].i32);
    const auto length = static_cast<std::uint32_t>(size);
    std::memcpy(base + pointer, data, size);
    std::memcpy(base + out, &pointer, 4);
    std::memcpy(base + out + 4, &length, 4);
    return nullptr;
  }
};

engine::Trap* raw_scalar(void*, engine::Caller*, Raw* values, std::size_t) {
  ++values[0].i32;
  return nullptr;
}
engine::Trap* raw_bytes(void*, engine::Caller* caller, Raw* values, std::size_t) {
  const RawCall call(caller);
  const auto size = static_cast<std::uint32_t>(values[1].i32);
  std::memcpy(call.host.host.kept.data(), call.memory() + static_cast<std::uint32_t>(values[0].i32),
              size);
  return call.give(call.host.host.kept.data(), size, static_cast<std::uint32_t>(values[2].i32));
}
engine::Trap* raw_text(void*, engine::Caller* caller, Raw* values, std::size_t) {
  return RawCall(caller).give(kText.data(), kText.size(),
                              static_cast<std::uint32_t>(values[0].i32));
}
engine::Trap* raw_turn(void*, engine::Caller* caller, Raw* values, std::size_t) {
  const Eight turned{static_cast<std::uint8_t>(values[0].i32),
                     static_cast<std::uint16_t>(values[1].i32),
                     static_cast<std::uint32_t>(values[2].i32) + 1,
                     static_cast<std::uint64_t>(values[3].i64),
                     values[4].i32,
                     values[5].f32,
                     values[6].f64,
                     values[7].i32 != 0};
  // The layout of this record is the same in C++ and in the canonical ABI.
  static_assert(sizeof turned == 40 && offsetof(Eight, g) == 24 && offsetof(Eight, h) == 32);
  std::memcpy(RawCall(caller).memory() + static_cast<std::uint32_t>(values[8].i32), &turned,
              sizeof turned);
  return nullptr;
}
engine::Trap* raw_new_thing(void*, engine::Caller* caller, Raw* values, std::size_t) {
  auto& things = RawCall(caller).host.things;
  things.push_back(new Thing{static_cast<std::uint32_t>(values[0].i32)});
  values[0].i32 = static_cast<std::int32_t>(things.size());
  return nullptr;
}
engine::Trap* raw_drop_thing(void*, engine::Caller* caller, Raw*, std::size_t) {
  auto& things = RawCall(caller).host.things;
  delete things.back();
  things.pop_back();
  return nullptr;
}

void await(Task<> task) {
  asio::io_context io{1};
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr e) { failure = e; });
  io.run();
  if (failure) std::rethrow_exception(failure);
}

void check(engine::Store& store) {
  if (auto fault = store.take_fault()) bench::give_up(fault->describe());
}

// A component, its host functions bound by type.
class Typed {
 public:
  // `interface_name`: where the loops are.
  Typed(std::shared_ptr<const component::ComponentFile> file, const engine::FiberSupport& fibers,
        std::string_view interface_name)
      : interface_name_(interface_name),
        interfaces_(offer()),
        linked_(bench::need(
            component::LinkedComponent::link(std::move(file), fibers.engine(), interfaces_, {}))),
        instance_(linked_, fibers, &host_, {}) {
    await(start());
  }

  double run(const Loop& loop) {
    const auto* func = linked_->find_export(interface_name_, loop.name);
    const double from = bench::thread_seconds();
    component::ExportCall<std::uint32_t, std::uint32_t> call(instance_, *func, loop.times);
    if (!call.begin()) await(instance_.store().settle());
    const double to = bench::thread_seconds();
    check(instance_.store());
    return (to - from) / loop.times;
  }

 private:
  Task<> start() {
    if (auto fault = co_await instance_.start()) bench::give_up(fault->describe());
  }
  static component::HostInterfaces offer() {
    component::HostInterfaces interfaces;
    interfaces.add(std::string(kHost))
        .resource<Thing>("thing")
        .func<&new_thing>("[constructor]thing")
        .func<&scalar>("scalar")
        .func<&bytes>("bytes")
        .func<&text>("text")
        .func<&turn>("turn");
    return interfaces;
  }

  std::string_view interface_name_;
  component::HostInterfaces interfaces_;
  std::shared_ptr<const component::LinkedComponent> linked_;
  Host host_;
  component::Instance instance_;
};

// The component's main core module by itself.
class Floor {
 public:
  Floor(ByteView core, const engine::FiberSupport& fibers)
      : module_(bench::need(engine::Module::compile(fibers.engine(), core))),
        linker_(fibers.engine()),
        prepared_(prepare()),
        store_(fibers, &host_, {}) {
    if (!store_.begin_instantiate(prepared_, instance_)) await(store_.settle());
    check(store_);
    host_.memory = find("memory").of.memory;
    host_.realloc = find("cabi_realloc").of.func;
  }

  double run(const Loop& loop) {
    struct Body final : engine::Store::Body {
      engine::Func func;
      std::uint32_t times;
      engine::Trap* run(engine::Store& store) override {
        Raw values[1] = {};
        values[0].i32 = static_cast<std::int32_t>(times);
        return store.call(func, values, 1);
      }
    } body;
    body.func = find(std::string(kLoops) + "#" + loop.name).of.func;
    body.times = loop.times;
    const double from = bench::thread_seconds();
    if (!store_.begin(body)) await(store_.settle());
    const double to = bench::thread_seconds();
    check(store_);
    return (to - from) / loop.times;
  }

 private:
  using enum engine::CoreType;

  engine::PreparedModule prepare() {
    const auto define = [&](std::string_view name, engine::CoreFuncType type,
                            engine::HostCallback callback) {
      if (auto done = linker_.define(kHost, name, type, callback, nullptr); !done) {
        bench::give_up(done.error().message);
      }
    };
    define("scalar", {{I32}, {I32}}, raw_scalar);
    define("bytes", {{I32, I32, I32}, {}}, raw_bytes);
    define("text", {{I32}, {}}, raw_text);
    define("turn", {{I32, I32, I32, I64, I32, F32, F64, I32, I32}, {}}, raw_turn);
    define("[constructor]thing", {{I32}, {I32}}, raw_new_thing);
    define("[resource-drop]thing", {{I32}, {}}, raw_drop_thing);
    return bench::need(engine::PreparedModule::prepare(linker_, module_));
  }
  engine::Extern find(std::string_view name) {
    const auto handle = module_.find_export(name);
    if (!handle) bench::give_up("the guest's core module has no export " + std::string(name));
    return store_.export_of(instance_, handle.get());
  }

  engine::Module module_;
  engine::Linker linker_;
  engine::PreparedModule prepared_;
  RawHost host_;
  engine::Store store_;
  wasmtime_instance_t instance_{};
};

// What the list costs anybody: into the host, and back.
double copy_there_and_back() {
  static std::array<std::uint8_t, kBlock> guest_in, host, guest_out;
  const auto used = [](void* bytes) { asm volatile("" : : "r"(bytes) : "memory"); };
  constexpr int kTimes = 400;
  const double from = bench::thread_seconds();
  for (int i = 0; i < kTimes; ++i) {
    std::memcpy(host.data(), guest_in.data(), kBlock);
    used(host.data());
    std::memcpy(guest_out.data(), host.data(), kBlock);
    used(guest_out.data());
  }
  return (bench::thread_seconds() - from) / kTimes;
}

std::shared_ptr<const component::ComponentFile> load(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return bench::need(component::ComponentFile::load(Bytes{std::istreambuf_iterator<char>(in), {}}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    bench::give_up("usage: abi_bench build/guests/abi-bench.wasm build/guests/pass-bench.wasm");
  }
  const auto file = load(argv[1]);
  const engine::Engine engine(engine::EngineOptions{.max_instances = 16});
  const engine::FiberSupport fibers(engine);
  Typed typed(file, fibers, kLoops), passing(load(argv[2]), fibers, "");
  // wit-component puts the main module first.
  Floor floor(file->plan().modules.front().bytes, fibers);

  bench::Series copies("abi.memcpy");
  std::vector<bench::Series> ours, floors, passes;
  for (const Loop& loop : kHostCalls) {
    ours.emplace_back(std::string("abi.") + loop.figure);
    floors.emplace_back(std::string("abi.") + loop.figure + ".floor");
  }
  for (const Loop& loop : kPasses) passes.emplace_back(std::string("abi.") + loop.figure);
  bench::each_round([&] {
    for (std::size_t i = 0; i < kHostCalls.size(); ++i) {
      ours[i].add(typed.run(kHostCalls[i]) * 1e9);
      floors[i].add(floor.run(kHostCalls[i]) * 1e9);
    }
    for (std::size_t i = 0; i < kPasses.size(); ++i) {
      passes[i].add(passing.run(kPasses[i]) * 1e9);
    }
    copies.add(copy_there_and_back() * 1e9);
  });
  for (auto* all : {&ours, &floors, &passes}) {
    for (const auto& series : *all) series.print("ns");
  }
  copies.print("ns");
}
