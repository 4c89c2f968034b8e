// What a component imports and exports, as text for people and tools.
#pragma once

#include <string>
#include <vector>

#include "unbolt/component/plan.h"

namespace unbolt::cli {

struct FunctionText {
  std::string name;
  std::string type;  // as WIT
};
struct InterfaceText {
  std::string name;  // empty: at the world's top level
  std::vector<FunctionText> functions;
};

std::vector<InterfaceText> imports_of(const component::Plan& plan);
std::vector<InterfaceText> exports_of(const component::Plan& plan);

}  // namespace unbolt::cli
