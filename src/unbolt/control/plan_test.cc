#include "unbolt/control/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "unbolt/control/testing/context.h"
#include "unbolt/control/testing/golden.h"
#include "unbolt/control/testing/random_state.h"

namespace unbolt::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Step::Kind;

TEST(Plan, IsWrittenAsPeopleReadIt) {
  check_goldens("plan", [](Golden& golden) {
    const std::string& before = golden.sections["actual"];
    const DesiredState actual = before.empty() ? DesiredState{} : parse_good(before);
    const Plan plan = make_plan(parse_good(golden.sections["desired"]), actual);
    const bool json = golden.sections.contains("json");
    return json ? to_json(plan) + "\n" : to_text(plan);
  });
}

TEST(Plan, ShowsNoPassword) {
  const DesiredState state = parse_good(R"(
name: a
components:
  a:
    image: a.wasm
    links: {wasi:keyvalue: 'redis://u:hunter2@h'}
    secrets: {s: 'value:hunter3'}
topics: [{subject: x, from: 'nats://u:hunter4@h'}]
)");
  for (const Plan& plan : {make_plan(state, {}), make_plan({}, state)}) {
    EXPECT_THAT(to_text(plan), Not(HasSubstr("hunter")));
    EXPECT_THAT(to_json(plan), Not(HasSubstr("hunter")));
  }
}

// Carries a plan out, step by step, and checks that nothing ever leads to what is not there.
class Simulation {
 public:
  Simulation(const DesiredState& desired, DesiredState actual)
      : desired_(desired), state_(std::move(actual)) {}

  const DesiredState& run(const Plan& plan) {
    for (const Step& step : plan.steps) {
      carry_out(step);
      for (const Route& route : state_.routes) EXPECT_TRUE(state_.components.contains(route.to));
      for (const Topic& topic : state_.topics) EXPECT_TRUE(state_.components.contains(topic.to));
    }
    return state_;
  }

 private:
  void carry_out(const Step& step) {
    const auto found = desired_.components.find(step.component);
    auto& component = state_.components[step.component];
    switch (step.kind) {
      case Kind::Rename:
        state_.components.erase("");
        state_.name = desired_.name;
        break;
      case Kind::AddComponent: component = found->second; break;
      case Kind::ChangeRevision:
        component.image = found->second.image;
        component.digest = found->second.digest;
        break;
      case Kind::ChangeLinks:
        for (const LinkKey& key : step.links) {
          const auto url = found->second.links.find(key);
          if (url == found->second.links.end()) {
            component.links.erase(key);
          } else {
            component.links[key] = url->second;
          }
        }
        break;
      case Kind::ChangeConfig: component.config = found->second.config; break;
      case Kind::ChangeSecrets: component.secrets = found->second.secrets; break;
      case Kind::ChangeWatch: component.watch = found->second.watch; break;
      case Kind::ChangeGrants: component.grants = found->second.grants; break;
      case Kind::ChangeLimits: component.limits = found->second.limits; break;
      case Kind::EndCanary: break;
      case Kind::AddRoute: state_.routes.push_back(step.route); break;
      case Kind::ChangeRoute:
        for (Route& route : state_.routes) {
          if (route.host == step.route.host && route.path == step.route.path) route = step.route;
        }
        break;
      case Kind::AddTopic: state_.topics.push_back(step.topic); break;
      case Kind::AddListener: state_.listen.push_back(step.listen); break;
      case Kind::ChangeListener:
        for (Listen& listen : state_.listen) {
          if (listen.telnet == step.listen.telnet) listen = step.listen;
        }
        break;
      case Kind::RemoveListener: std::erase(state_.listen, step.listen); break;
      case Kind::ChangeTopic:
        for (Topic& topic : state_.topics) {
          if (topic.subject == step.topic.subject && topic.to == step.topic.to &&
              topic.from == step.topic.from) {
            topic = step.topic;
          }
        }
        break;
      case Kind::RemoveTopic: std::erase(state_.topics, step.topic); break;
      case Kind::RemoveRoute: std::erase(state_.routes, step.route); break;
      case Kind::RemoveComponent: state_.components.erase(step.component); break;
    }
    if (step.kind != Kind::AddComponent && step.kind != Kind::ChangeLinks) return;
    // Whom it is linked to is there already.
    for (const auto& [key, url] : component.links) {
      if (url.starts_with("component:")) {
        EXPECT_TRUE(state_.components.contains(url.substr(10))) << url;
      }
    }
  }

  const DesiredState& desired_;
  DesiredState state_;
};

TEST(Plan, LeadsFromAnyStateToAnyOther) {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    DesiredState desired = random_state(random), actual = random_state(random);
    if (i % 10 == 0) actual = {};
    const Plan plan = make_plan(desired, actual);
    Simulation simulation(desired, actual);
    DesiredState reached = simulation.run(plan);
    reached.name = desired.name;
    EXPECT_EQ(to_text(make_plan(desired, reached)), "nothing to do\n") << to_text(plan);
    for (auto& [name, component] : reached.components) {
      // One that is not desired is any.
      if (desired.components[name].digest.empty()) component.digest.clear();
    }
    EXPECT_TRUE(reached.components == desired.components) << to_text(plan);
    EXPECT_EQ(reached.routes.size(), desired.routes.size());
    EXPECT_TRUE(make_plan(desired, desired).empty());
  }
}

}  // namespace
}  // namespace unbolt::control
