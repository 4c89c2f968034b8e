#include "unbolt/cli/component_interfaces.h"

#include <algorithm>

namespace unbolt::cli {

std::vector<InterfaceText> imports_of(const component::Plan& plan) {
  std::vector<InterfaceText> interfaces;
  for (const auto& import : plan.imports) {
    InterfaceText item{import.name, {}};
    for (const auto* func : import.funcs)
      item.functions.push_back({func->name, component::to_wit(*func->type)});
    interfaces.push_back(std::move(item));
  }
  return interfaces;
}

std::vector<InterfaceText> exports_of(const component::Plan& plan) {
  std::vector<InterfaceText> interfaces;
  for (const auto& name : plan.exported_interfaces) interfaces.push_back({name, {}});
  for (const auto& item : plan.exports) {
    auto found = std::ranges::find(interfaces, item.interface_name, &InterfaceText::name);
    if (found == interfaces.end())
      found = interfaces.insert(interfaces.end(), {item.interface_name, {}});
    found->functions.push_back({item.name, component::to_wit(*item.type)});
  }
  return interfaces;
}

}  // namespace unbolt::cli
