// Fresh instances of a component that serves HTTP, without the network: lease, handle, drop, with a
// response writer that keeps nothing.
//
//   instance_bench settings FILE     CPU time of one request under each setting of the pool
//   instance_bench density FILE N    resident memory of N instances that are live and have answered
//   a request each
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bench/measure.h"
#include "unbolt/cli/component_file.h"
#include "unbolt/host/http_invocation.h"
#include "unbolt/providers/config_values/config_values.h"
#include "unbolt/providers/kv_memory/kv_memory.h"
#include "unbolt/providers/logging_host/logging_host.h"
#include "unbolt/wasi/standard_streams.h"

using namespace unbolt;
using engine::EngineOptions;

namespace {

constexpr int kRounds = 15;
constexpr int kRequests = 400;

// A request without a body, and an answer that goes nowhere.
struct Nothing final : http::BodyReader {
  ByteView available() const override { return {}; }
  void consume(std::size_t) override {}
  State state() const override { return State::End; }
  const Error& error() const override { return none; }
  Task<> wait() override { co_return; }
  const http::Fields& trailers() const override { return no_fields; }
  Error none;
  http::Fields no_fields;
};
class Nowhere final : public http::ResponseWriter, public http::BodyWriter {
 public:
  Result<http::BodyWriter*> start(http::ResponseHead head) override {
    status_ = head.status;
    return this;
  }
  bool started() const override { return status_ != 0; }
  int status() const { return status_; }

  std::size_t capacity() const override { return 64 * 1024; }
  Result<> write(ByteView) override { return {}; }
  void flush() override {}
  Task<> wait() override { co_return; }
  Task<Result<>> drained() override { co_return Result<>{}; }
  Result<> finish(http::Fields) override { return {}; }
  void abort() override {}

 private:
  int status_ = 0;
};

// One component on an engine of its own.
class Served {
 public:
  Served(const std::string& path, const EngineOptions& options)
      : engine_(options), fibers_(engine_) {
    const auto file = bench::need(cli::open_component(path));
    interfaces_ = cli::host_interfaces(file->plan());
    served_.name = cli::component_name(path);
    served_.component =
        bench::need(cli::link_component(path, {file, nullptr}, engine_, interfaces_, nullptr));
    served_.links.key_value = providers::make_kv_memory();
    served_.links.config = std::make_shared<providers::ConfigFromValues>(contracts::ConfigValues{});
    served_.links.logging = std::make_shared<providers::LoggingToHost>(stderr_log());
    const auto to_log = [this](std::string stream, LogLevel level) {
      return [this, stream, level](Executor) {
        return wasi::log_output(*served_.links.logging, served_.name, stream, level);
      };
    };
    served_.streams = {[](Executor) { return wasi::empty_input(); },
                       to_log("stdout", LogLevel::Info), to_log("stderr", LogLevel::Warn)};
    served_.limits.instances =
        std::max<std::size_t>({engine_.pool_size(), options.max_instances, 1});
    handle_ = bench::need(host::find_http_handler(*served_.component));
    if (!handle_) bench::give_up(path + " exports no HTTP handler");
    client_ = http::make_client(io_.get_executor(), {});
  }

  const engine::Engine& engine() const { return engine_; }

  // An instance stays where it served, if `reused`.
  void keep_instances() { served_.isolation.requests = 1u << 30; }
  std::unique_ptr<host::ComponentPool> make_pool() {
    return std::make_unique<host::ComponentPool>(served_, fibers_, *client_, io_.get_executor());
  }

  void request(host::ComponentPool& pool, int times) {
    asio::co_spawn(io_, requests(pool, times), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
    io_.restart();
    io_.run();
  }

 private:
  Task<> requests(host::ComponentPool& pool, int times) {
    host::ComponentHandler handler(pool, *handle_, stderr_log());
    for (int i = 0; i < times; ++i) {
      Nothing body;
      http::Request request{.head = {"GET", "http", "localhost", "/", {{"host", "localhost"}}},
                            .body = &body};
      Nowhere nowhere;
      co_await handler.handle(request, nowhere);
      if (nowhere.status() != 200) bench::give_up("the component did not answer with 200");
    }
  }

  engine::Engine engine_;
  engine::FiberSupport fibers_;
  component::HostInterfaces interfaces_;
  host::ServedComponent served_;
  asio::io_context io_{1};
  std::unique_ptr<http::Client> client_;
  const component::ExportedFunc* handle_ = nullptr;
};

struct Setting {
  const char* name;
  std::size_t instances;
  std::size_t keep_resident;
  EngineOptions::PagemapScan pagemap_scan;
  bool reused = false;
};
constexpr auto kScan = EngineOptions::PagemapScan::Auto, kNoScan = EngineOptions::PagemapScan::Off;
constexpr std::size_t kMiB = 1u << 20;
constexpr std::array kSettings = {
    Setting{"no-pool", 0, 0, kNoScan},
    Setting{"keep-0", 100, 0, kNoScan},
    Setting{"keep-1", 100, 1 * kMiB, kNoScan},
    Setting{"keep-4", 100, 4 * kMiB, kNoScan},
    Setting{"keep-32", 100, 32 * kMiB, kNoScan},
    Setting{"scan-keep-0", 100, 0, kScan},
    Setting{"scan-keep-1", 100, 1 * kMiB, kScan},
    Setting{"scan-keep-4", 100, 4 * kMiB, kScan},
    Setting{"scan-keep-32", 100, 32 * kMiB, kScan},
    Setting{"reused", 100, 4 * kMiB, kScan, true},
};

int compare_settings(const std::string& path) {
  struct One {
    std::unique_ptr<Served> served;
    std::unique_ptr<host::ComponentPool> pool;
    bench::Series series;
  };
  std::vector<One> all;
  for (const Setting& setting : kSettings) {
    EngineOptions options;
    options.max_instances = setting.instances;
    options.keep_resident = setting.keep_resident;
    options.pagemap_scan = setting.pagemap_scan;
    auto served = std::make_unique<Served>(path, options);
    if (setting.pagemap_scan == kScan && !served->engine().pagemap_scan()) continue;
    if (setting.reused) served->keep_instances();
    auto pool = served->make_pool();
    all.push_back({std::move(served), std::move(pool),
                   bench::Series("instance." + cli::component_name(path) + "." + setting.name)});
  }
  for (auto& one : all) one.served->request(*one.pool, kRequests);
  for (int round = 0; round < kRounds; ++round) {
    for (auto& one : all) {
      const double from = bench::thread_seconds();
      one.served->request(*one.pool, kRequests);
      one.series.add((bench::thread_seconds() - from) / kRequests * 1e6);
    }
  }
  for (const auto& one : all) one.series.print("us");
  return 0;
}

// A line of /proc/self/status, in KiB.
double status_kib(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::strtod(line.c_str() + key.size() + 1, nullptr);
  }
  return 0;
}

int weigh(const std::string& path, std::size_t count) {
  EngineOptions options;
  options.max_instances = count;
  Served served(path, options);
  served.keep_instances();
  {
    // What the first request maps once belongs to no instance.
    const auto pool = served.make_pool();
    served.request(*pool, 1);
  }
  const double resident = status_kib("VmRSS:"), tables = status_kib("VmPTE:");
  std::vector<std::unique_ptr<host::ComponentPool>> pools;
  pools.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    pools.push_back(served.make_pool());
    served.request(*pools.back(), 1);
  }
  const std::string name = "density." + std::to_string(count);
  const auto each = [&](const char* what, double kib) {
    bench::Series series(name + what);
    series.add(kib / static_cast<double>(count));
    series.print("KiB");
  };
  each("", status_kib("VmRSS:") - resident);
  each(".page-tables", status_kib("VmPTE:") - tables);
  bench::Series total(name + ".process");
  total.add((status_kib("VmRSS:")) / 1024);
  total.print("MiB");
  std::ifstream maps("/proc/self/maps");
  bench::Series mappings(name + ".mappings");
  mappings.add(static_cast<double>(
      std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n')));
  mappings.print("");
  bench::Series pool(name + ".pool");
  pool.add(static_cast<double>(served.engine().pool_size()));
  pool.print("");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "settings" && argc == 3) return compare_settings(argv[2]);
  if (mode == "density" && argc == 4) {
    const std::string_view text = argv[3];
    std::size_t count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    if (count > 0) return weigh(argv[2], count);
  }
  std::fprintf(stderr, "usage: instance_bench settings FILE | density FILE N\n");
  return 2;
}
