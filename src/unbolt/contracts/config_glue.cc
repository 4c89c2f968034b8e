// wasi:config onto Config: one shape under three names.
#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/interfaces.h"

namespace unbolt::contracts {
namespace {

using component::Call;

// variant error { upstream(string), io(string) }
using ConfigError = std::variant<std::string, std::string>;

std::expected<std::optional<std::string>, ConfigError> get(Call& call, std::string_view key) {
  return call.host<Guest>().links->config->get(key);
}
std::expected<std::vector<std::tuple<std::string, std::string>>, ConfigError> get_all(Call& call) {
  std::vector<std::tuple<std::string, std::string>> all;
  for (const auto& [key, value] : *call.host<Guest>().links->config->snapshot())
    all.emplace_back(key, value);
  return all;
}

}  // namespace

void add_config(component::HostInterfaces& host) {
  for (const auto* name : {"wasi:config/store@0.2.0-rc.1", "wasi:config/store@0.2.0-draft",
                           "wasi:config/runtime@0.2.0-draft"}) {
    host.add(name).func<&get>("get").func<&get_all>("get-all");
  }
}

}  // namespace unbolt::contracts
