// What a call of a plug-in's function costs, beside one of the host's own that is bound by its C++
// type: numbers, for which nothing is allocated.
//
//   plugin_bench build/PRESET/bin/libbench_plugin.so
#include <memory>

#include "bench/measure.h"
#include "unbolt/component/testing/guest.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/host/plugin_link.h"

using namespace unbolt;

namespace {

constexpr std::uint32_t kTimes = 1'000'000;
constexpr int kRounds = 21;
constexpr std::string_view kText = R"((component
  (import "a:b/c" (instance $i (export "next" (func (param "x" u32) (result u32)))))
  (core func $next (canon lower (func $i "next")))
  (core module $m (import "h" "next" (func $next (param i32) (result i32)))
    (func (export "run") (param $n i32) (result i32) (local $x i32)
      (loop $again
        (local.set $x (call $next (local.get $x)))
        (br_if $again (i32.lt_u (local.get $x) (local.get $n))))
      (local.get $x)))
  (core instance $of (instantiate $m (with "h" (instance (export "next" (func $next))))))
  (func (export "run") (param "n" u32) (result u32) (canon lift (core func $of "run")))))";

std::uint32_t next(component::Call&, std::uint32_t x) { return x + 1; }

void measure(bench::Series& series, component::Guest& guest) {
  const double begun = bench::thread_seconds();
  if (guest.call<std::uint32_t>("run", kTimes).value_or(0) != kTimes) bench::give_up("a wrong sum");
  series.add((bench::thread_seconds() - begun) * 1e9 / kTimes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) bench::give_up("plugin_bench PLUGIN.so");
  component::TestHost own, with_plugin;
  own.interfaces.add("a:b/c").func<&next>("next");
  const host::ComponentLinks to{{"a:b/c", {"plugin", argv[1], nullptr}}};
  const auto file = component::ComponentFile::load(engine::wat(kText));
  if (!file) bench::give_up(file.error().message);
  if (auto linked = host::link_components(*file, to, with_plugin.interfaces); !linked)
    bench::give_up(linked.error().message);
  auto provider = plugin::Provider::open(argv[1], {}, stderr_log());
  if (!provider) bench::give_up(provider.error().message);
  auto bound = host::bind_plugins((*file)->plan(), to, {{"a:b/c", *provider}});
  if (!bound) bench::give_up(bound.error().message);
  contracts::Links links;
  links.plugins = *bound;
  contracts::Guest guest{.loop = own.loop.get_executor(), .links = &links};
  component::Guest built_in(own, kText, &guest), plugged(with_plugin, kText, &guest);
  bench::Series first("plugin.built_in"), second("plugin.plugged");
  for (int i = 0; i < kRounds; ++i) {
    measure(first, built_in);
    measure(second, plugged);
  }
  first.print("ns");
  second.print("ns");
}
