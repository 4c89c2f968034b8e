#include "unbolt/control/manifest.h"

#include <algorithm>
#include <utility>

#include "unbolt/control/check.h"
#include "unbolt/control/rules.h"
#include "unbolt/control/values.h"
#include "unbolt/control/yaml_tree.h"

namespace unbolt::control {
namespace {

// The tree was checked: what is there has the right form.

std::string text_of(const YamlNode& node, std::string_view field) {
  const YamlNode* found = node.find(field);
  return found ? found->text : std::string();
}

ComponentLimits read_limits(const YamlNode& node) {
  ComponentLimits limits;
  if (const auto* memory = node.find("memory")) limits.memory_bytes = *parse_size(memory->text);
  if (const auto* time = node.find("time")) limits.time = *parse_duration(time->text);
  if (const auto* count = node.find("instances")) limits.instances = *parse_count(count->text);
  if (const auto* count = node.find("concurrency")) limits.concurrency = *parse_count(count->text);
  if (const auto* isolation = node.find("isolation")) limits.reuse = *parse_reuse(isolation->text);
  return limits;
}

std::map<std::string, std::string> read_texts(const YamlNode& node, std::string_view field) {
  std::map<std::string, std::string> texts;
  if (const YamlNode* found = node.find(field)) {
    for (const auto& entry : found->entries) texts.emplace(entry.key, entry.value.text);
  }
  return texts;
}

ComponentState read_component(const YamlNode& node) {
  ComponentState component;
  component.image = text_of(node, "image");
  component.digest = text_of(node, "digest");
  if (const std::size_t at = component.image.find('@');
      at != std::string::npos && !component.is_file()) {
    component.digest = component.image.substr(at + 1);
  }
  if (const YamlNode* links = node.find("links")) {
    for (const auto& contract : links->entries) {
      for (const auto& link : contract.value.entries) {
        component.links.emplace(LinkKey{contract.key, link.key}, link.value.text);
      }
    }
  }
  component.config = read_texts(node, "config");
  component.secrets = read_texts(node, "secrets");
  if (const YamlNode* watch = node.find("watch")) {
    for (const YamlNode& bucket : watch->list) component.watch.push_back(bucket.text);
  }
  if (const YamlNode* grants = node.find("grants")) {
    for (const YamlNode& grant : grants->list) component.grants.push_back(grant.text);
  }
  if (const YamlNode* limits = node.find("limits")) component.limits = read_limits(*limits);
  return component;
}

DesiredState read_state(const YamlNode& manifest) {
  DesiredState state;
  for (const auto& entry : manifest.find("components")->entries) {
    state.components.emplace(entry.key, read_component(entry.value));
  }
  auto to = [&](const YamlNode& node) {
    return node.find("to") ? text_of(node, "to") : state.components.begin()->first;
  };
  if (const YamlNode* routes = manifest.find("routes")) {
    for (const YamlNode& route : routes->list) {
      const std::string path = text_of(route, "path");
      state.routes.push_back(
          {.host = text_of(route, "host"), .path = path.empty() ? "/" : path, .to = to(route)});
    }
  }
  if (const YamlNode* topics = manifest.find("topics")) {
    for (const YamlNode& topic : topics->list) {
      state.topics.push_back({.subject = text_of(topic, "subject"),
                              .to = to(topic),
                              .from = text_of(topic, "from"),
                              .group = text_of(topic, "group")});
    }
  }
  if (const YamlNode* listen = manifest.find("listen")) {
    for (const YamlNode& one : listen->list) {
      Listen listener{.telnet = text_of(one, "telnet"), .to = to(one)};
      if (const auto* idle = one.find("idle")) listener.idle = *parse_duration(idle->text);
      if (const auto* stalled = one.find("stalled"))
        listener.stalled = *parse_duration(stalled->text);
      if (const auto* most = one.find("sessions")) listener.sessions = *parse_count(most->text);
      state.listen.push_back(std::move(listener));
    }
  }
  return state;
}

// A name made of the folder's: what cannot stand in one becomes '-'.
std::string name_of_folder(const std::filesystem::path& folder) {
  std::string name;
  const std::filesystem::path whole = folder.lexically_normal();
  for (const char c : (whole.has_filename() ? whole : whole.parent_path()).filename().string()) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const bool fits = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (fits) {
      name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
    if (name.size() == 63) break;
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "application" : name;
}

// The tree of a manifest without mistakes; nothing where `sink` has some.
std::optional<YamlNode> read_tree(std::string_view text, const std::filesystem::path& base_folder,
                                  const ManifestContext& context, DiagnosticSink& sink) {
  auto tree = read_yaml(text, sink);
  if (tree) {
    check_shape(*tree, kManifestShape, {context, base_folder}, sink);
    check_rules(*tree, context, sink);
  }
  if (sink.any()) return std::nullopt;
  return std::move(*tree);
}

// A byte order mark is no text.
std::string_view without_mark(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return text;
}

}  // namespace

std::expected<std::map<std::string, Build>, Diagnostics> parse_builds(
    std::string_view text, std::string_view file_name, const std::filesystem::path& base_folder,
    const ManifestContext& context) {
  text = without_mark(text);
  DiagnosticSink sink(text);
  const auto tree = read_tree(text, base_folder, context, sink);
  if (!tree) return std::unexpected(std::move(sink).take(file_name));
  std::map<std::string, Build> builds;
  for (const auto& entry : tree->find("components")->entries) {
    const YamlNode* build = entry.value.find("build");
    if (!build) continue;
    std::string folder = text_of(*build, "in");
    if (folder.empty()) folder = base_folder.string();
    builds.emplace(entry.key, Build{text_of(*build, "command"), std::move(folder)});
  }
  return builds;
}

std::expected<DesiredState, Diagnostics> parse_manifest(std::string_view text,
                                                        std::string_view file_name,
                                                        const std::filesystem::path& base_folder,
                                                        const ManifestContext& context) {
  text = without_mark(text);
  DiagnosticSink sink(text);
  const auto tree = read_tree(text, base_folder, context, sink);
  if (!tree) return std::unexpected(std::move(sink).take(file_name));
  DesiredState state = read_state(*tree);
  state.name = text_of(*tree, "name");
  if (state.name.empty()) state.name = name_of_folder(base_folder);
  // What a host stores it must be able to read again.
  if (to_yaml(state).size() > kLargestManifest) {
    sink.report({}, "", "with its variables in place and absolute paths, it is too large");
    return std::unexpected(std::move(sink).take(file_name));
  }
  return state;
}

}  // namespace unbolt::control
