#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "unbolt/control/manifest.h"
#include "unbolt/control/values.h"
#include "unbolt/control/variables.h"

namespace unbolt::control {
namespace {

bool is_plain(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto fits = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || std::string_view("._:/@+-").contains(c);
  };
  return !text.empty() && (letter(text[0]) || text[0] == '/') && !text.ends_with(':') &&
         std::ranges::all_of(text, fits) && text.size() < 200 && text != "null" && text != "Null" &&
         text != "NULL";
}

// Text that YAML reads as it was: bare where that is safe, else in double quotes.
std::string yaml_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Writer {
 public:
  // `depth` counts levels of two spaces.
  void line(std::size_t depth, std::string_view text) {
    fmt::format_to(std::back_inserter(out_), "{:{}}{}\n", "", depth * 2, text);
  }
  // Nothing where the value is empty.
  void field(std::size_t depth, std::string_view name, std::string_view value) {
    if (!value.empty()) line(depth, fmt::format("{}: {}", name, yaml_text(value)));
  }
  void entry(std::size_t depth, std::string_view key, std::string_view value) {
    line(depth, fmt::format("{}: {}", yaml_text(key), yaml_text(without_variables(value))));
  }
  void entries(std::size_t depth, std::string_view name,
               const std::map<std::string, std::string>& texts) {
    if (!texts.empty()) line(depth, fmt::format("{}:", name));
    for (const auto& [key, value] : texts) entry(depth + 1, key, value);
  }
  void list(std::size_t depth, std::string_view name, const std::vector<std::string>& texts) {
    if (!texts.empty()) line(depth, fmt::format("{}:", name));
    for (const auto& text : texts) line(depth + 1, "- " + yaml_text(text));
  }
  std::string take() && { return std::move(out_); }

 private:
  std::string out_;
};

void write_links(Writer& out, const std::map<LinkKey, std::string>& links) {
  if (links.empty()) return;
  out.line(2, "links:");
  const std::string* contract = nullptr;
  for (const auto& [key, url] : links) {
    if (!contract || *contract != key.contract) out.line(3, yaml_text(key.contract) + ":");
    contract = &key.contract;
    out.entry(4, key.name, url);
  }
}

void write_limits(Writer& out, const ComponentLimits& limits) {
  if (limits == ComponentLimits{}) return;
  out.line(2, "limits:");
  if (limits.memory_bytes) out.line(3, "memory: " + size_text(*limits.memory_bytes));
  if (limits.time) out.line(3, "time: " + duration_text(*limits.time));
  if (limits.instances) out.line(3, fmt::format("instances: {}", *limits.instances));
  if (limits.concurrency) out.line(3, fmt::format("concurrency: {}", *limits.concurrency));
  if (limits.reuse != 1) out.line(3, "isolation: " + reuse_text(limits.reuse));
}

void write_component(Writer& out, const std::string& name, const ComponentState& component) {
  out.line(1, yaml_text(name) + ":");
  out.field(2, "image", component.image);
  out.field(2, "digest", component.digest);
  write_links(out, component.links);
  out.entries(2, "config", component.config);
  out.entries(2, "secrets", component.secrets);
  out.list(2, "watch", component.watch);
  out.list(2, "grants", component.grants);
  write_limits(out, component.limits);
}

}  // namespace

std::string to_yaml(const DesiredState& state) {
  Writer out;
  out.field(0, "name", state.name);
  out.line(0, "components:");
  for (const auto& [name, component] : state.components) write_component(out, name, component);
  if (!state.routes.empty()) out.line(0, "routes:");
  for (const Route& route : state.routes) {
    out.line(1, "- path: " + yaml_text(route.path));
    out.field(2, "host", route.host);
    out.field(2, "to", route.to);
  }
  if (!state.topics.empty()) out.line(0, "topics:");
  for (const Topic& topic : state.topics) {
    out.line(1, "- subject: " + yaml_text(topic.subject));
    out.field(2, "to", topic.to);
    out.field(2, "from", without_variables(topic.from));
    out.field(2, "group", topic.group);
  }
  if (!state.listen.empty()) out.line(0, "listen:");
  for (const Listen& listen : state.listen) {
    out.line(1, "- telnet: " + yaml_text(listen.telnet));
    out.field(2, "to", listen.to);
    out.line(2, "idle: " + duration_text(listen.idle));
    out.line(2, "stalled: " + duration_text(listen.stalled));
    out.line(2, fmt::format("sessions: {}", listen.sessions));
  }
  return std::move(out).take();
}

}  // namespace unbolt::control
