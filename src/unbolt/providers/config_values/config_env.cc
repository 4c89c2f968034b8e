#include "unbolt/providers/config_values/config_env.h"

#include <unistd.h>

#include "unbolt/component/strings.h"
#include "unbolt/providers/config_values/config_values.h"

namespace unbolt::providers {

Result<std::shared_ptr<contracts::Config>> open_config_env(const contracts::ProviderUrl& url,
                                                           const contracts::ProviderContext&) {
  UNBOLT_TRY(url.only_options({}));
  if (url.path.empty()) {
    return std::unexpected(Error{
        ErrorCode::InvalidArgument,
        "'env:' would show a component the whole environment of this program",
        "write env:PREFIX, as in env:SHOP_, and the component finds SHOP_CURRENCY as CURRENCY"});
  }
  contracts::ConfigValues values;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view variable(*entry);
    const auto equals = variable.find('=');
    if (equals == variable.npos || equals <= url.path.size() || !variable.starts_with(url.path))
      continue;
    if (!component::valid_utf8(as_bytes(variable))) {
      return fail(ErrorCode::InvalidArgument, "the environment variable {} is not UTF-8 text",
                  component::to_valid_utf8(variable.substr(0, equals)));
    }
    values.emplace(variable.substr(url.path.size(), equals - url.path.size()),
                   variable.substr(equals + 1));
  }
  return std::make_shared<ConfigFromValues>(std::move(values));
}

}  // namespace unbolt::providers
