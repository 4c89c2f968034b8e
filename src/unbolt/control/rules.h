// What the parts of a manifest must have to do with one another.
#pragma once

#include "unbolt/control/diagnostic.h"
#include "unbolt/control/manifest.h"
#include "unbolt/control/yaml_tree.h"

namespace unbolt::control {

// Reports links to contracts, providers and components that are not there, cycles of them, routes
// and topics that lead nowhere or stand there twice, grants and digests that contradict one
// another. `manifest` has gone through `check_shape`.
void check_rules(const YamlNode& manifest, const ManifestContext& context, DiagnosticSink& sink);

}  // namespace unbolt::control
