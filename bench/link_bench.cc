// What it costs to call another component through a link: it has a store of its own, which is made
// for the call or reused. The same two components in one file are in abi_bench.cc (`pass`).
// Run by bench/interleave.py.
//
//   link_bench build/guests/pass-caller.wasm build/guests/pass-callee.wasm
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "bench/measure.h"
#include "unbolt/component/bind.h"
#include "unbolt/host/component_link.h"
#include "unbolt/host/component_pool.h"
#include "unbolt/http/client.h"

using namespace unbolt;

namespace {

std::shared_ptr<const component::ComponentFile> load(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return bench::need(component::ComponentFile::load(Bytes{std::istreambuf_iterator<char>(in), {}}));
}

class Linked {
 public:
  Linked(const engine::Engine& engine, const engine::FiberSupport& fibers, const char* caller,
         const char* callee, std::uint32_t requests)
      : client_(http::make_client(io_.get_executor(), {})),
        callee_pool_(callee_, fibers, *client_, io_.get_executor()),
        caller_pool_(caller_, fibers, *client_, io_.get_executor(), &sources_) {
    callee_.name = "callee";
    callee_.isolation.requests = requests;
    callee_.component =
        bench::need(component::LinkedComponent::link(load(callee), engine, none_, {}));
    caller_.name = "caller";
    const auto file = load(caller);
    const auto linked = host::link_components(
        file, {{"bench:pass/callee", {"callee", "callee", callee_.component}}}, interfaces_);
    if (!linked) bench::give_up(linked.error().message);
    caller_.component =
        bench::need(component::LinkedComponent::link(file, engine, interfaces_, {}));
    sources_.set("callee", source_);
    asio::co_spawn(io_,
                   caller_pool_.lease(std::chrono::steady_clock::now() + std::chrono::hours(1)),
                   [&](std::exception_ptr, auto leased) {
                     if (!leased) bench::give_up(leased.error().describe());
                     live_ = std::move(*leased);
                   });
    io_.run();
  }

  double run(const char* function, std::uint32_t times) {
    component::Instance& instance = live_->instance();
    const auto* func = instance.component().find_export("", function);
    const double from = bench::thread_seconds();
    component::ExportCall<std::uint32_t, std::uint32_t> call(instance, *func, times);
    if (!call.begin()) {
      asio::co_spawn(io_, instance.store().settle(), [](std::exception_ptr) {});
      io_.restart();
      io_.run();
    }
    const double to = bench::thread_seconds();
    if (const auto fault = instance.store().take_fault()) bench::give_up(fault->describe());
    return (to - from) / times;
  }

 private:
  asio::io_context io_{1};
  std::unique_ptr<http::Client> client_;
  component::HostInterfaces none_, interfaces_;
  host::ServedComponent callee_, caller_;
  host::ComponentSources sources_;
  host::ComponentPool callee_pool_, caller_pool_;
  host::PoolSource source_{callee_pool_};
  std::unique_ptr<host::LiveInstance> live_;
};

struct Loop {
  const char* figure;
  const char* name;
};
constexpr std::array kLoops = {Loop{"number", "numbers"}, Loop{"string", "strings"}};
constexpr std::uint32_t kTimes = 5'000;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    bench::give_up("usage: link_bench build/guests/pass-caller.wasm build/guests/pass-callee.wasm");
  const engine::Engine engine(engine::EngineOptions{.max_instances = 16});
  const engine::FiberSupport fibers(engine);
  Linked fresh(engine, fibers, argv[1], argv[2], 1);
  Linked reused(engine, fibers, argv[1], argv[2], 1u << 30);
  std::vector<bench::Series> of_fresh, of_reused;
  for (const Loop& loop : kLoops) {
    of_fresh.emplace_back(std::string("link.fresh.") + loop.figure);
    of_reused.emplace_back(std::string("link.reused.") + loop.figure);
  }
  bench::each_round([&] {
    for (std::size_t i = 0; i < kLoops.size(); ++i) {
      of_fresh[i].add(fresh.run(kLoops[i].name, kTimes) * 1e9);
      of_reused[i].add(reused.run(kLoops[i].name, kTimes) * 1e9);
    }
  });
  for (const auto* all : {&of_fresh, &of_reused}) {
    for (const auto& series : *all) series.print("ns");
  }
}
