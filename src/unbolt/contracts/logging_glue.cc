// wasi:logging onto Logging.
#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/interfaces.h"

namespace unbolt::component {
template <>
inline constexpr std::size_t kEnumCases<LogLevel> = 6;
}  // namespace unbolt::component

namespace unbolt::contracts {
namespace {

void log(component::Call& call, LogLevel level, std::string_view context,
         std::string_view message) {
  const auto& guest = call.host<Guest>();
  guest.links->logging->write(guest.component, level, context, message);
}

}  // namespace

void add_logging(component::HostInterfaces& host) {
  host.add("wasi:logging/logging@0.1.0-draft").every_version().func<&log>("log");
  host.add("wasi:logging/logging").func<&log>("log");
}

}  // namespace unbolt::contracts
