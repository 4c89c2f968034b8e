// What a component costs before its first call.
//
//   component_bench start FILE...    an instance of each, in a store of its own, made and dropped
//   component_bench load FILE...     decoding, planning and linking, compiled code from the cache;
//   the
//                                    same for components that grow, made here
//
// Run by bench/interleave.py, `start` beside bench/peer.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "bench/grown_component.h"
#include "bench/measure.h"
#include "unbolt/cli/allocator.h"
#include "unbolt/cli/component_file.h"
#include "unbolt/component/instance.h"
#include "unbolt/engine/digest.h"

using namespace unbolt;

namespace {

constexpr int kStarts = 100;

void run(asio::io_context& io, Task<> task) {
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr e) { failure = e; });
  io.restart();
  io.run();
  if (failure) std::rethrow_exception(failure);
}

// ---- start

struct Started {
  component::HostInterfaces interfaces;
  std::shared_ptr<const component::LinkedComponent> linked;
  bench::Series series;
};

Task<> start_and_drop(const Started& started, const engine::FiberSupport& fibers, int times) {
  for (int i = 0; i < times; ++i) {
    component::Instance instance(started.linked, fibers, nullptr, {});
    if (auto fault = co_await instance.start()) bench::give_up(fault->describe());
  }
}

int start(std::span<char*> paths, const engine::CompiledCache& cache) {
  const engine::Engine engine(engine::EngineOptions{.max_instances = 100});
  const engine::FiberSupport fibers(engine);
  asio::io_context io{1};
  std::vector<std::unique_ptr<Started>> all;
  for (const std::string path : paths) {
    const auto admitted = bench::need(cli::open_component(path, path, {}, engine, &cache));
    auto started =
        std::make_unique<Started>(Started{cli::host_interfaces(admitted.file->plan()), nullptr,
                                          bench::Series("start." + cli::component_name(path))});
    started->linked =
        bench::need(cli::link_component(path, admitted, engine, started->interfaces, &cache));
    all.push_back(std::move(started));
  }
  bench::each_round([&] {
    for (auto& one : all) {
      const double from = bench::thread_seconds();
      run(io, start_and_drop(*one, fibers, kStarts));
      one->series.add((bench::thread_seconds() - from) / kStarts * 1e6);
    }
  });
  for (const auto& one : all) one->series.print("us");
  return 0;
}

// ---- load

struct Loaded {
  std::string name;
  Bytes bytes;
  std::vector<Bytes> code;  // of each core module, compiled
  bench::Series decode, link, hash, all;

  Loaded(std::string of, Bytes content)
      : name("load." + std::move(of)),
        bytes(std::move(content)),
        decode(name + ".decode"),
        link(name + ".link"),
        hash(name + ".hash"),
        all(name) {}

  void round(const engine::Engine& engine, const engine::CompiledCache& cache) {
    Bytes copy = bytes;
    const double start = bench::thread_seconds();
    auto file = bench::need(
        component::ComponentFile::load(std::move(copy), component::ComponentFile::Checked::Before));
    const double decoded = bench::thread_seconds();
    // Made for each component, as the program does.
    const auto interfaces = cli::host_interfaces(file->plan());
    const double offered = bench::thread_seconds();
    const auto linked =
        bench::need(component::LinkedComponent::link(file, engine, interfaces, {.cache = &cache}));
    const double done = bench::thread_seconds();
    // What of this is the check of the cached code: the digest of each module, and of its code.
    for (const auto& module : file->plan().modules) engine::sha256(module.bytes);
    for (const auto& bytes : code) engine::sha256(bytes);
    const double hashed = bench::thread_seconds() - done;
    decode.add((decoded - start) * 1e3);
    hash.add(hashed * 1e3);
    link.add((done - offered - hashed) * 1e3);
    all.add((decoded - start + done - offered - hashed) * 1e3);
  }
};

int load(std::span<char*> paths, const engine::CompiledCache& cache) {
  const engine::Engine engine(engine::EngineOptions{.max_instances = 16});
  std::vector<std::unique_ptr<Loaded>> all;
  for (const std::string path : paths) {
    std::ifstream in(path, std::ios::binary);
    all.push_back(std::make_unique<Loaded>(cli::component_name(path),
                                           Bytes{std::istreambuf_iterator<char>(in), {}}));
  }
  for (const std::uint32_t mib : {1, 5, 20, 80}) {
    all.push_back(std::make_unique<Loaded>(fmt::format("data.{}", mib),
                                           bench::component_with_data(mib << 20)));
  }
  for (const std::uint32_t funcs : {300, 3'000, 30'000}) {
    all.push_back(std::make_unique<Loaded>(fmt::format("funcs.{}", funcs),
                                           bench::component_with_functions(funcs)));
  }
  for (const std::uint32_t instances : {10, 100, 1'000}) {
    all.push_back(std::make_unique<Loaded>(fmt::format("instances.{}", instances),
                                           bench::component_with_instances(instances)));
  }
  for (auto& one : all) {
    const auto file = bench::need(component::ComponentFile::load(one->bytes));
    for (const auto& module : file->plan().modules) {
      one->code.push_back(
          bench::need(bench::need(cache.load(engine, module.bytes, {})).serialize()));
    }
  }
  bench::each_round([&] {
    for (auto& one : all) one->round(engine, cache);
  });
  for (const auto& one : all) {
    one->all.print("ms");
    one->decode.print("ms");
    one->link.print("ms");
    one->hash.print("ms");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  cli::keep_freed_memory();
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const auto cache =
      bench::need(engine::CompiledCache::open(engine::CompiledCache::default_folder()));
  const std::span<char*> paths(argv + 2, argc > 2 ? static_cast<std::size_t>(argc - 2) : 0);
  if (mode == "start") return start(paths, cache);
  if (mode == "load") return load(paths, cache);
  std::fprintf(stderr, "usage: component_bench start|load FILE...\n");
  return 2;
}
