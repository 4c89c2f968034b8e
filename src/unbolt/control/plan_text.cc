#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "unbolt/contracts/text.h"
#include "unbolt/control/plan.h"
#include "unbolt/control/shown.h"

namespace unbolt::control {
namespace {

using Kind = Step::Kind;

// "+" something comes, "-" it goes, "~" it changes.
char sign(Kind kind) {
  switch (kind) {
    case Kind::AddComponent:
    case Kind::AddListener:
    case Kind::AddRoute:
    case Kind::AddTopic: return '+';
    case Kind::RemoveComponent:
    case Kind::RemoveListener:
    case Kind::RemoveRoute:
    case Kind::RemoveTopic: return '-';
    default: return '~';
  }
}

bool is_route(Kind kind) {
  return kind == Kind::AddRoute || kind == Kind::ChangeRoute || kind == Kind::RemoveRoute;
}
bool is_topic(Kind kind) {
  return kind == Kind::AddTopic || kind == Kind::ChangeTopic || kind == Kind::RemoveTopic;
}

bool is_listener(Kind kind) {
  return kind == Kind::AddListener || kind == Kind::ChangeListener || kind == Kind::RemoveListener;
}

std::string_view headline(Kind kind) {
  switch (kind) {
    case Kind::ChangeRevision: return ": new revision";
    case Kind::ChangeLinks: return ": links";
    case Kind::ChangeConfig: return ": configuration";
    case Kind::ChangeSecrets: return ": secrets";
    case Kind::ChangeWatch: return ": watched buckets";
    case Kind::ChangeGrants: return ": grants";
    case Kind::ChangeLimits: return ": limits";
    case Kind::EndCanary: return ": the canary ends";
    default: return "";
  }
}

std::string topic_text(const Topic& topic) {
  std::string text = fmt::format("topic {}", contracts::printable(topic.subject, 300));
  if (!topic.from.empty()) text += " from " + shown_url(topic.from);
  text += " -> " + topic.to;
  if (!topic.group.empty()) text += " in group " + topic.group;
  return text;
}

std::string title(const Step& step) {
  if (step.kind == Kind::Rename) return "application";
  if (is_route(step.kind)) {
    return fmt::format("route {}{} -> {}", step.route.host, step.route.path, step.route.to);
  }
  if (is_topic(step.kind)) return topic_text(step.topic);
  if (is_listener(step.kind))
    return fmt::format("telnet {} -> {}", step.listen.telnet, step.listen.to);
  return step.component + std::string(headline(step.kind));
}

// A digest's beginning tells enough.
std::string short_form(const Change& change, const std::string& value) {
  constexpr std::size_t kEnough = sizeof("sha256:") - 1 + 12;
  return change.what == "digest" ? value.substr(0, kEnough) : value;
}

void append(std::string& out, const Change& change, char step_sign, std::size_t width) {
  const std::string from = short_form(change, change.from), to = short_form(change, change.to);
  fmt::format_to(std::back_inserter(out), "    ");
  if (step_sign == '~') out += from.empty() ? "+ " : to.empty() ? "- " : "~ ";
  fmt::format_to(std::back_inserter(out), "{:<{}}  ", change.what, width);
  out += from.empty() ? to : to.empty() ? from : fmt::format("{} -> {}", from, to);
  out += '\n';
}

bool leaves_a_store(const Step& step) {
  if (step.kind != Kind::ChangeLinks) return false;
  for (std::size_t i = 0; i < step.links.size(); ++i) {
    const std::string& contract = step.links[i].contract;
    if ((contract == "wasi:keyvalue" || contract == "wasi:blobstore") &&
        !step.changes[i].from.empty())
      return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::Rename: return "rename";
    case Kind::AddComponent: return "add-component";
    case Kind::ChangeRevision: return "change-revision";
    case Kind::ChangeLinks: return "change-links";
    case Kind::ChangeConfig: return "change-config";
    case Kind::ChangeSecrets: return "change-secrets";
    case Kind::ChangeWatch: return "change-watch";
    case Kind::ChangeGrants: return "change-grants";
    case Kind::ChangeLimits: return "change-limits";
    case Kind::EndCanary: return "end-canary";
    case Kind::AddListener: return "add-listener";
    case Kind::ChangeListener: return "change-listener";
    case Kind::RemoveListener: return "remove-listener";
    case Kind::AddRoute: return "add-route";
    case Kind::ChangeRoute: return "change-route";
    case Kind::AddTopic: return "add-topic";
    case Kind::ChangeTopic: return "change-topic";
    case Kind::RemoveTopic: return "remove-topic";
    case Kind::RemoveRoute: return "remove-route";
    case Kind::RemoveComponent: return "remove-component";
  }
  return "";
}

std::string to_text(const Plan& plan) {
  if (plan.empty()) return "nothing to do\n";
  std::string out;
  std::size_t added = 0, removed = 0;
  for (const Step& step : plan.steps) {
    const char of_step = sign(step.kind);
    added += of_step == '+';
    removed += of_step == '-';
    fmt::format_to(std::back_inserter(out), "{} {}\n", of_step, title(step));
    std::size_t width = 0;
    for (const Change& change : step.changes) width = std::max(width, change.what.size());
    for (const Change& change : step.changes) append(out, change, of_step, width);
    if (leaves_a_store(step))
      out += "    what the old store holds is not carried over: unbolt swap --copy does that\n";
  }
  fmt::format_to(std::back_inserter(out), "{} to add, {} to change, {} to remove\n", added,
                 plan.steps.size() - added - removed, removed);
  return out;
}

std::string to_json(const Plan& plan) {
  using Json = nlohmann::ordered_json;
  auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json steps = Json::array();
  for (const Step& step : plan.steps) {
    Json one{{"kind", to_string(step.kind)}};
    if (!step.component.empty()) one["component"] = step.component;
    for (const Change& change : step.changes) {
      one["changes"].push_back({{"what", change.what},
                                {"from", text_or_null(change.from)},
                                {"to", text_or_null(change.to)}});
    }
    if (is_route(step.kind)) {
      one["route"] = {{"host", text_or_null(step.route.host)},
                      {"path", step.route.path},
                      {"to", step.route.to}};
    }
    if (is_topic(step.kind)) {
      one["topic"] = {{"subject", step.topic.subject},
                      {"to", step.topic.to},
                      {"from", step.topic.from.empty() ? Json() : Json(shown_url(step.topic.from))},
                      {"group", text_or_null(step.topic.group)}};
    }
    if (is_listener(step.kind)) {
      one["listen"] = {{"telnet", step.listen.telnet}, {"to", step.listen.to}};
    }
    steps.push_back(std::move(one));
  }
  return Json{{"steps", std::move(steps)}}.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace unbolt::control
