// What manifests of tests may refer to.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "unbolt/control/manifest.h"

namespace unbolt::control {

inline ManifestContext test_context() {
  ManifestContext context;
  context.schemes = {
      {"wasi:keyvalue", {"memory", "sqlite", "redis", "nats", "postgres"}},
      {"wasi:blobstore", {"memory", "file"}},
      {"wasmcloud:messaging", {"memory", "nats"}},
  };
  context.variable = [](std::string_view name) -> std::optional<std::string> {
    if (name == "REDIS_PASSWORD") return "hunter2";
    if (name == "NOT_A_URL") return "hunter2 is none";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  return context;
}

// The state of a manifest in the folder /srv/shop.
inline DesiredState parse_good(std::string_view text) {
  auto state = parse_manifest(text, "unbolt.yaml", "/srv/shop", test_context());
  EXPECT_TRUE(state) << (state ? "" : state.error().to_text());
  return state ? *state : DesiredState{};
}

// The diagnostics of one that is wrong.
inline std::string errors_of(std::string_view text) {
  auto state = parse_manifest(text, "unbolt.yaml", "/srv/shop", test_context());
  EXPECT_FALSE(state) << text;
  return state ? std::string() : state.error().to_text();
}

}  // namespace unbolt::control
