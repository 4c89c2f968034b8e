// A manifest's tree held against the table of what it may consist of.
#pragma once

#include "unbolt/control/scalars.h"
#include "unbolt/control/shape.h"
#include "unbolt/control/yaml_tree.h"

namespace unbolt::control {

// Reports what does not fit. Afterwards the tree has the form that `shape` says, with short forms
// written out, variables replaced and values canonical; what was reported is `damaged`.
void check_shape(YamlNode& node, const Shape& shape, const ScalarContext& context,
                 DiagnosticSink& sink);

// "components.orders", for the messages.
std::string below(std::string_view where, std::string_view key);

}  // namespace unbolt::control
