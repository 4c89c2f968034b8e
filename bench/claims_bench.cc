// What signed claims cost: a call on a bucket that a grant is about, beside the same call of a
// component without claims; and verifying a sealed file of 64 KiB, its account vouched for by an
// operator. Run by bench/interleave.py.
//
//   claims_bench build/guests/grant-bench.wasm
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <fstream>
#include <iterator>
#include <memory>

#include "bench/measure.h"
#include "unbolt/claims/seal.h"
#include "unbolt/claims/sections.h"
#include "unbolt/claims/verify.h"
#include "unbolt/component/bind.h"
#include "unbolt/contracts/claims_guard.h"
#include "unbolt/contracts/guarded.h"
#include "unbolt/contracts/guest.h"

using namespace unbolt;
using component::Call;

namespace {

constexpr std::uint32_t kTimes = 200'000;
constexpr int kVerifications = 50;

struct Opened : contracts::Guarded {};

component::Own<Opened> open_bucket(Call&, std::string_view name) {
  return std::make_unique<Opened>(Opened{{std::string(name)}});
}
std::uint32_t bucket_exists(Call&, component::Borrow<Opened> bucket) {
  return static_cast<std::uint32_t>(bucket->name.size());
}

class Caller {
 public:
  Caller(const engine::Engine& engine, const engine::FiberSupport& fibers,
         const std::shared_ptr<const component::ComponentFile>& file,
         const component::HostInterfaces& host, component::Substitute substitute) {
    linked_ = bench::need(component::LinkedComponent::link(file, engine, host,
                                                           {.substitute = std::move(substitute)}));
    instance_.emplace(linked_, fibers, &guest_, engine::StoreLimits{});
    asio::co_spawn(io_, instance_->start(), [](std::exception_ptr, auto fault) {
      if (fault) bench::give_up(fault->describe());
    });
    io_.run();
  }

  // Seconds of one call.
  double run() {
    const auto* func = instance_->component().find_export("", "calls");
    const double from = bench::thread_seconds();
    component::ExportCall<std::uint32_t, std::uint32_t> call(*instance_, *func, kTimes);
    if (!call.begin()) {  // others have their turn now and then
      asio::co_spawn(io_, instance_->store().settle(), [](std::exception_ptr) {});
      io_.restart();
      io_.run();
    }
    const double to = bench::thread_seconds();
    if (const auto fault = instance_->store().take_fault()) bench::give_up(fault->describe());
    if (call.result() != 8 * kTimes) bench::give_up("it was refused");
    return (to - from) / kTimes;
  }

 private:
  asio::io_context io_{1};
  contracts::Guest guest_{.component = "bench", .loop = io_.get_executor()};
  std::shared_ptr<const component::LinkedComponent> linked_;
  std::optional<component::Instance> instance_;
};

Bytes sealed_file() {
  const auto account = bench::need(identity::KeyPair::generate(identity::KeyKind::Account));
  const auto module = bench::need(identity::KeyPair::generate(identity::KeyKind::Component));
  const auto operator_key = bench::need(identity::KeyPair::generate(identity::KeyKind::Operator));
  claims::AccountClaims vouched{claims::fresh_claims(1'790'000'000), operator_key.public_key(),
                                account.public_key()};
  claims::ComponentClaims claimed{claims::fresh_claims(1'790'000'000), account.public_key(),
                                  module.public_key()};
  Bytes file{0, 'a', 's', 'm', 0x0d, 0, 1, 0};
  claims::append_custom_section(file, "data", Bytes(64 * 1024, 'x'));
  return bench::need(
      claims::sign_file(file, claimed,
                        {.grants = {"wasi:keyvalue"},
                         .chain = {bench::need(claims::sign_account(vouched, operator_key))}},
                        account));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) bench::give_up("usage: claims_bench build/guests/grant-bench.wasm");
  const engine::Engine engine(engine::EngineOptions{.max_instances = 4});
  const engine::FiberSupport fibers(engine);
  std::ifstream in(argv[1], std::ios::binary);
  const auto file =
      bench::need(component::ComponentFile::load(Bytes{std::istreambuf_iterator<char>(in), {}}));
  component::HostInterfaces host;
  host.add("wasi:keyvalue/store@0.2.0-draft")
      .resource<Opened>("bucket")
      .func<&open_bucket>("open")
      .func<&bucket_exists>("[method]bucket.exists");
  Caller free(engine, fibers, file, host, {});
  Caller granted(engine, fibers, file, host,
                 contracts::guard_calls({std::make_shared<const contracts::ClaimedGrants>(
                     contracts::ClaimedGrants::of({"wasi:keyvalue bucket=sess*"}))}));
  const Bytes sealed = sealed_file();
  bench::Series of_free("claims.call.free"), of_granted("claims.call.granted"),
      of_verifying("claims.verify.64k");
  bench::each_round([&] {
    of_free.add(free.run() * 1e9);
    of_granted.add(granted.run() * 1e9);
    const double from = bench::thread_seconds();
    for (int i = 0; i < kVerifications; ++i) {
      if (claims::verify(sealed, 1'790'000'000).state != claims::SealState::Valid)
        bench::give_up("it does not hold");
    }
    of_verifying.add((bench::thread_seconds() - from) / kVerifications * 1e6);
  });
  of_free.print("ns");
  of_granted.print("ns");
  of_verifying.print("us");
}
