// Manifests: whatever the text is, it becomes a state or a list of what is wrong; a state is
// written and read back as itself, and planned without an end to it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "unbolt/control/manifest.h"
#include "unbolt/control/plan.h"

namespace {

using namespace unbolt::control;

ManifestContext make_context() {
  ManifestContext context;
  context.schemes = {{"wasi:keyvalue", {"memory", "sqlite", "redis"}},
                     {"wasi:blobstore", {"memory", "file"}},
                     {"wasmcloud:messaging", {"memory", "nats"}}};
  context.variable = [](std::string_view name) -> std::optional<std::string> {
    if (name.starts_with('A')) return "redis://u:hunter2@h";
    return std::nullopt;
  };
  return context;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ManifestContext context = make_context();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto state = parse_manifest(text, "unbolt.yaml", "/srv/shop", context);
  if (!state) {
    const auto& diagnostics = state.error();
    if (diagnostics.all.empty() || diagnostics.to_text().empty()) std::abort();
    if (!text.contains("hunter") && diagnostics.to_text().contains("hunter")) std::abort();
    return 0;
  }
  const auto again = parse_manifest(to_yaml(*state), "state", "/elsewhere", context);
  if (!again || *again != *state) std::abort();
  if (!make_plan(*state, *state).empty()) std::abort();
  const Plan start = make_plan(*state, {});
  if (start.steps.size() !=
      state->components.size() + state->routes.size() + state->topics.size()) {
    std::abort();
  }
  if (!text.contains("hunter") && (to_text(start) + to_json(start)).contains("hunter")) {
    // What a configuration says is shown; what a URL or a secret holds is not.
    if (!text.contains("config")) std::abort();
  }
  return 0;
}
