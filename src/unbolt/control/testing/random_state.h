// States of any kind that a manifest can describe, for tests of properties.
#pragma once

#include <fmt/format.h>

#include <random>
#include <string>
#include <vector>

#include "unbolt/control/desired_state.h"

namespace unbolt::control {

class RandomState {
 public:
  explicit RandomState(std::mt19937& random) : random_(random) {}

  DesiredState make() {
    DesiredState state{.name = fmt::format("app-{}", below(3))};
    for (std::size_t i = 0; i < 5; ++i) {
      if (below(3) > 0) state.components.emplace(fmt::format("c{}", i), component(state));
    }
    if (state.components.empty()) state.components.emplace("c0", component(state));
    std::vector<std::string> names;
    for (const auto& [name, component] : state.components) names.push_back(name);
    for (const char* path : {"/", "/a", "/a/%20b"}) {
      for (const char* host : {"", "shop.example", "*.example"}) {
        if (below(3) == 0) state.routes.push_back({host, path, names[below(names.size())]});
      }
    }
    for (const char* subject : {"a", "a.*.b", "a.>"}) {
      if (below(2) == 0) continue;
      state.topics.push_back({subject, names[below(names.size())],
                              below(2) ? "nats://u:p${x}@h:4222?a=b" : "", below(2) ? "g_1" : ""});
    }
    return state;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  // Text with everything in it that YAML, or a reader of variables, could take for something else.
  std::string text() {
    constexpr std::string_view kPieces[] = {
        "a",    "Z9",     " ",          "  ",     ": ",     ":",    "#",    " #",   "'",      "\"",
        "\\",   "\n",     "\r\n",       "\t",     "{",      "}",    "[",    "]",    ",",      "&",
        "*",    "!",      "|",          ">",      "%",      "@",    "`",    "-",    "- ",     "? ",
        "null", "~",      "true",       "0x1f",   "$",      "${",   "$${",  "}",    "---\n",  "...",
        "ä",    "\u4e2d", "\U0001f980", "\u2028", "\u0085", "\x01", "\x1b", "\x7f", "\ufeff", "="};
    std::string out;
    for (std::size_t count = below(6); count > 0; --count)
      out += kPieces[below(std::size(kPieces))];
    return out;
  }
  // Without what keys may not have.
  std::string key() {
    std::string out = "k";
    for (const char c : text()) {
      if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
    }
    return out;
  }

  ComponentState component(const DesiredState& state) {
    ComponentState made;
    made.image = below(3) ? fmt::format("/srv/a b/{}'\".wasm", below(3))
                          : fmt::format("registry.example:5000/shop/c:{}", below(3));
    if (below(3) == 0) made.digest = "sha256:" + std::string(64, below(2) ? 'a' : '0');
    if (below(2)) made.links[{"wasi:keyvalue", ""}] = below(2) ? "memory:" : "redis://u:p${@h";
    if (below(2)) made.links[{"wasi:keyvalue", key()}] = "sqlite:/srv/a%20b.db?x=%22";
    if (below(2)) made.links[{"wasi:blobstore", ""}] = "file:/srv/blobs";
    // To those that are there already: never in a circle.
    for (const auto& [name, other] : state.components) {
      if (below(3) == 0) made.links[{"acme:shop/" + name, ""}] = "component:" + name;
    }
    while (below(2)) made.config[key()] = text();
    while (below(2)) made.secrets[key()] = "value:" + text();
    if (below(3) == 0) made.secrets["e"] = "env:KEY";
    if (below(3) == 0) made.secrets["f"] = "file:/etc/x";
    if (below(2)) made.watch.push_back("stock " + text());
    if (below(2)) made.grants.push_back("host:*.example");
    if (below(2)) made.grants.push_back("env:A=" + text());
    if (below(2)) made.grants.push_back("dir:/srv/a b::/data:ro");
    if (below(2)) made.limits.memory_bytes = below(1u << 20) + 1;
    if (below(2)) made.limits.time = std::chrono::milliseconds(below(100'000) + 1);
    if (below(2)) made.limits.instances = static_cast<std::uint32_t>(below(1000) + 1);
    if (below(2)) made.limits.concurrency = static_cast<std::uint32_t>(below(1000) + 1);
    if (below(2)) made.limits.reuse = static_cast<std::uint32_t>(below(1000) + 1);
    return made;
  }

  std::mt19937& random_;
};

inline DesiredState random_state(std::mt19937& random) { return RandomState(random).make(); }

}  // namespace unbolt::control
