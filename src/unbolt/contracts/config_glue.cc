// wasi:config onto Config: one shape under three names, and the first one, of bytes.
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

// ---- 0.1.0

std::expected<std::optional<Bytes>, ConfigError> get_bytes(Call& call, std::string_view key) {
  const auto value = call.host<Guest>().links->config->get(key);
  if (!value) return std::nullopt;
  return to_bytes(as_bytes(*value));
}
std::expected<std::vector<std::tuple<std::string, Bytes>>, ConfigError> get_all_bytes(Call& call) {
  std::vector<std::tuple<std::string, Bytes>> all;
  for (const auto& [key, value] : *call.host<Guest>().links->config->snapshot())
    all.emplace_back(key, to_bytes(as_bytes(value)));
  return all;
}

}  // namespace

void add_config(component::HostInterfaces& host) {
  for (const auto* name : {"wasi:config/store@0.2.0-rc.1", "wasi:config/store@0.2.0-draft",
                           "wasi:config/runtime@0.2.0-draft"}) {
    host.add(name).every_version().func<&get>("get").func<&get_all>("get-all");
  }
  host.add("wasi:config/runtime@0.1.0").func<&get_bytes>("get").func<&get_all_bytes>("get-all");
}

}  // namespace unbolt::contracts
