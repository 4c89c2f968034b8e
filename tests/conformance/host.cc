#include "host.h"

#include <memory>
#include <string>

#include <fmt/format.h>

#include "unbolt/component/bind.h"

namespace unbolt::conformance {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

struct Resource1 {
  Resource1(HostState& host, std::uint32_t number) : state(host), rep(number) {}
  ~Resource1() {
    ++state.drops;
    state.last_drop = rep;
  }
  Resource1(const Resource1&) = delete;
  Resource1& operator=(const Resource1&) = delete;

  HostState& state;
  std::uint32_t rep;
};
struct Resource2 {};

Result<> expect_rep(const Resource1& resource, std::uint32_t rep) {
  if (resource.rep == rep) return {};
  return fail(ErrorCode::InvalidArgument, "expected resource {}, got {}", rep, resource.rep);
}

std::uint32_t return_two(Call&) { return 2; }
std::uint32_t return_three(Call&) { return 3; }
std::uint32_t return_four(Call&) { return 4; }
std::string return_hi(Call&) { return "hi"; }
std::uint32_t echo(Call&, std::uint32_t value) { return value; }

Own<Resource1> make(Call& call, std::uint32_t rep) {
  return std::make_unique<Resource1>(call.host<HostState>(), rep);
}
Result<> check(Call&, Own<Resource1> resource, std::uint32_t rep) {
  return expect_rep(*resource, rep);
}
Result<> simple(Call&, Borrow<Resource1> self, std::uint32_t rep) { return expect_rep(*self, rep); }
void take_borrow(Call&, Borrow<Resource1>, Borrow<Resource1>) {}
void take_own(Call&, Borrow<Resource1>, Own<Resource1>) {}
std::uint32_t drops(Call& call) { return call.host<HostState>().drops; }
std::uint32_t last_drop(Call& call) { return call.host<HostState>().last_drop; }

}  // namespace

void add_host(component::HostInterfaces& interfaces) {
  interfaces.add("").func<&return_two>("host-return-two").func<&echo>("host-echo-u32");
  interfaces.add("host/nested").func<&return_four>("return-four");
  interfaces.add("host")
      .func<&return_three>("return-three")
      .func<&return_hi>("return-hi")
      .resource<Resource1>("resource1")
      .resource<Resource1>("resource1-again")
      .resource<Resource2>("resource2")
      .func<&make>("[constructor]resource1")
      .func<&check>("[static]resource1.assert")
      .func<&simple>("[method]resource1.simple")
      .func<&take_borrow>("[method]resource1.take-borrow")
      .func<&take_own>("[method]resource1.take-own")
      .func<&drops>("[static]resource1.drops")
      .func<&last_drop>("[static]resource1.last-drop");
}

}  // namespace unbolt::conformance
