// What has to be done to come from one state of an application to another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/control/desired_state.h"

namespace unbolt::control {

// A value that differs, as it may be shown: without passwords. `what` names it within the
// component: "image", "link wasi:keyvalue", "link wasi:keyvalue sessions", "config currency",
// "secret key", "watch", "grant", "limit memory"; within a route or topic it is the field.
struct Change {
  std::string what;
  std::string from;  // "": it was not there; a text that is empty is shown as ''
  std::string to;    // "": it will not be there
  bool operator==(const Change&) const = default;
};

struct Step {
  enum class Kind : std::uint8_t {
    Rename,          // the application has another name
    AddComponent,    // with everything it has
    ChangeRevision,  // image or digest
    ChangeLinks,
    ChangeConfig,
    ChangeSecrets,
    ChangeWatch,
    ChangeGrants,
    ChangeLimits,
    EndCanary,  // of a component that has one beside it, which is no part of a state
    AddListener,
    ChangeListener,  // to another component, or its bounds
    RemoveListener,
    AddRoute,
    ChangeRoute,  // to another component
    AddTopic,
    ChangeTopic,  // its group
    RemoveTopic,
    RemoveRoute,
    RemoveComponent,
  };
  Kind kind;
  std::string component;        // whom it is about; of a route or topic, the one it leads to
  std::vector<Change> changes;  // in the order of their names; of an added component, all it has
  std::vector<LinkKey> links;   // ChangeLinks: those that differ, one for each of `changes`
  Route route;                  // of …Route: as it will be, or as it was where it is removed
  Listen listen;                // of …Listener, likewise
  Topic topic;                  // of …Topic, likewise
  bool operator==(const Step&) const = default;
};

// The steps in the order in which they are carried out: what others are linked to comes first;
// routes and topics lead to what is there already; what nothing leads to any more goes last.
struct Plan {
  std::vector<Step> steps;
  bool empty() const { return steps.empty(); }
};

// Pure. `actual` is empty where nothing runs yet. A digest that is not desired is any: to see that
// a file was replaced under its name, the host puts the digests of files into both states. The
// orders of routes, topics, watches and grants mean nothing.
Plan make_plan(const DesiredState& desired, const DesiredState& actual);

std::string_view to_string(Step::Kind kind);  // "add-component", "change-links", …
std::string to_text(const Plan& plan);        // for people; "nothing to do"
// {"steps": [{"kind", "component", "changes": [{"what", "from", "to"}], "route", "topic"}]}; what
// does not apply is left out.
std::string to_json(const Plan& plan);

}  // namespace unbolt::control
