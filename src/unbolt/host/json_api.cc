#include "unbolt/host/json_api.h"

#include <nlohmann/json.hpp>

#include "unbolt/component/value_call.h"
#include "unbolt/host/openapi.h"

namespace unbolt::host {
namespace {

using nlohmann::ordered_json;

ordered_json index_of(const component::ExportNames& names, std::span<const JsonFunction> functions,
                      const std::string& name) {
  ordered_json index{{"component", name}, {"openapi", JsonApi::kOpenApiPath}};
  index["functions"] = ordered_json::array();
  auto others = ordered_json::array();
  for (const auto& function : functions) {
    const std::string full = names.full(*function.func);
    if (!function.not_served.empty()) {
      others.push_back({{"name", full}, {"why", function.not_served}});
      continue;
    }
    index["functions"].push_back({{"path", function.path},
                                  {"name", full},
                                  {"type", component::to_wit(*function.func->type)}});
  }
  if (!others.empty()) index["notServed"] = std::move(others);
  return index;
}

}  // namespace

JsonApi::JsonApi(std::shared_ptr<const component::LinkedComponent> component)
    : component_(std::move(component)), names_(component_->plan(), '/') {
  for (const auto& func : component_->plan().exports) {
    const auto callable = component::check_callable(func);
    functions_.push_back(
        {&func, '/' + names_.shortest(func), callable ? std::string() : callable.error().message});
  }
}

Result<std::shared_ptr<const JsonApi>> JsonApi::make(
    std::shared_ptr<const component::LinkedComponent> component, const std::string& name) {
  std::shared_ptr<JsonApi> api(new JsonApi(std::move(component)));
  std::string refused;
  bool served = false;
  for (const auto& function : api->functions_) {
    served |= function.not_served.empty();
    refused += fmt::format("\n  {}: {}", api->names_.full(*function.func), function.not_served);
  }
  if (!served) {
    return fail(ErrorCode::Unsupported, "no function can be served with JSON{}",
                refused.empty() ? ": it exports none" : ":" + refused);
  }
  constexpr auto kReplace = ordered_json::error_handler_t::replace;
  api->index_ = index_of(api->names_, api->functions_, name).dump(2, ' ', false, kReplace) + '\n';
  api->openapi_ = describe(api->component_->file(), api->names_, api->functions_, name)
                      .dump(-1, ' ', false, kReplace);
  return api;
}

Result<const JsonFunction*> JsonApi::find(std::string_view name) const {
  UNBOLT_ASSIGN(const auto* func, names_.find(name));
  return &functions_[static_cast<std::size_t>(func - component_->plan().exports.data())];
}

std::vector<std::string> JsonApi::nearest(std::string_view name) const {
  auto paths = names_.nearest(name);
  for (auto& path : paths) path.insert(0, 1, '/');
  return paths;
}

}  // namespace unbolt::host
