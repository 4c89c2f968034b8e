// How components depend on one another by links `component:NAME`.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/control/desired_state.h"

namespace unbolt::control {

// The component to which a link's URL leads; "" where it leads elsewhere.
std::string_view linked_component(std::string_view url);

// Whom each component is linked to.
using LinkGraph = std::map<std::string, std::set<std::string>>;
LinkGraph link_graph(const std::map<std::string, ComponentState>& components);

// All names, each behind those that it is linked to; else by name. Those of a cycle come last.
std::vector<std::string> linked_first(const LinkGraph& graph);

// Cycles, each as the names along it, beginning with its first by name; no name is in two of them.
std::vector<std::vector<std::string>> find_cycles(LinkGraph graph);

}  // namespace unbolt::control
