#include "unbolt/cli/diff.h"

#include <csignal>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "unbolt/claims/verify.h"
#include "unbolt/cli/component_file.h"
#include "unbolt/cli/component_interfaces.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/seal_text.h"
#include "unbolt/contracts/claimed_grant.h"
#include "unbolt/contracts/text.h"

namespace unbolt::cli {
namespace {

using nlohmann::ordered_json;

// Of the type of a function that comes or goes: enough to know it by.
constexpr std::size_t kShort = 160;

std::string shown(std::string_view text) { return contracts::printable(text, 4096); }

struct Side {
  std::string digest;
  claims::Verification seal;
  std::vector<InterfaceText> imports, exports;
};

Result<Side> read_side(const std::string& path) {
  UNBOLT_ASSIGN(const Bytes bytes, read_file(path));
  UNBOLT_ASSIGN(const auto file, open_component(path));
  return Side{digest_of(bytes), claims::verify(bytes, time_now()), imports_of(file->plan()),
              exports_of(file->plan())};
}

// ---- Interfaces

struct FunctionChange {
  std::string name, before, after;  // types; empty: it is not there
};
struct InterfaceChange {
  std::string name;
  bool before = false, after = false;  // whether it is there
  std::vector<FunctionChange> functions;

  // What the new one has that the old one had not, or otherwise.
  bool gains() const {
    return !before ||
           std::ranges::any_of(functions, [](const auto& f) { return !f.after.empty(); });
  }
  bool loses() const {
    return !after ||
           std::ranges::any_of(functions, [](const auto& f) { return !f.before.empty(); });
  }
};

std::vector<InterfaceChange> changes(const std::vector<InterfaceText>& before,
                                     const std::vector<InterfaceText>& after) {
  std::map<std::string, InterfaceChange> found;
  std::map<std::string, std::map<std::string, FunctionChange>> functions;
  for (const auto& item : before) {
    found[item.name].before = true;
    for (const auto& func : item.functions) functions[item.name][func.name].before = func.type;
  }
  for (const auto& item : after) {
    found[item.name].after = true;
    for (const auto& func : item.functions) functions[item.name][func.name].after = func.type;
  }
  std::vector<InterfaceChange> changed;
  for (auto& [name, item] : found) {
    item.name = name;
    for (auto& [func_name, func] : functions[name]) {
      if (func.before == func.after) continue;
      func.name = func_name;
      item.functions.push_back(std::move(func));
    }
    if (item.before != item.after || !item.functions.empty()) changed.push_back(std::move(item));
  }
  return changed;
}

char mark(bool before, bool after) { return !before ? '+' : !after ? '-' : '~'; }

void print(std::string_view title, const std::vector<InterfaceChange>& changed) {
  if (changed.empty()) return;
  fmt::print("{}\n", title);
  for (const auto& item : changed) {
    fmt::print("  {} {}\n", mark(item.before, item.after),
               item.name.empty() ? "(top level)" : shown(item.name));
    for (const auto& func : item.functions) {
      const bool both = !func.before.empty() && !func.after.empty();
      const std::string& type = func.before.empty() ? func.after : func.before;
      fmt::print("      {} {}: {}\n", mark(!func.before.empty(), !func.after.empty()),
                 shown(func.name), both ? shown(type) : contracts::printable(type, kShort));
      if (both)
        fmt::print("        {:{}}  {}\n", "now", shown(func.name).size(), shown(func.after));
    }
  }
}

ordered_json to_json(const std::vector<InterfaceChange>& changed) {
  auto list = ordered_json::array();
  for (const auto& item : changed) {
    ordered_json one{{"name", item.name}, {"before", item.before}, {"after", item.after}};
    one["functions"] = ordered_json::array();
    for (const auto& func : item.functions) {
      ordered_json function{{"name", func.name}};
      if (!func.before.empty()) function["before"] = func.before;
      if (!func.after.empty()) function["after"] = func.after;
      one["functions"].push_back(std::move(function));
    }
    list.push_back(std::move(one));
  }
  return list;
}

// ---- What it may do

// What its valid claims say; nothing where they say nothing.
std::optional<std::set<std::string>> grants_of(const Side& side) {
  if (side.seal.state != claims::SealState::Valid || !side.seal.grants) return std::nullopt;
  return std::set<std::string>(side.seal.grants->begin(), side.seal.grants->end());
}

std::string in_words(const std::string& grant) {
  const auto read = contracts::ClaimedGrant::parse(grant);
  return read ? read->words() : shown(grant) + ": not understood, so it grants nothing";
}

std::string signer(const Side& side) {
  const auto state = side.seal.state;
  if (state == claims::SealState::Unsigned) return "not signed";
  if (state == claims::SealState::Broken || !side.seal.claims)
    return "broken claims: " + side.seal.problem;
  std::string text = "signed by " + side.seal.claims->issuer.text();
  if (state != claims::SealState::Valid)
    text += fmt::format(", {}: {}", claims::to_string(state), side.seal.problem);
  return text;
}

struct GrantChange {
  bool said_before, said_after;
  std::vector<std::string> gained, lost;

  bool widens() const { return !gained.empty() || (said_before && !said_after); }
};

GrantChange grant_change(const Side& before, const Side& after) {
  const auto old_ones = grants_of(before), new_ones = grants_of(after);
  GrantChange change{old_ones.has_value(), new_ones.has_value(), {}, {}};
  const std::set<std::string> none;
  const auto &was = old_ones ? *old_ones : none, &is = new_ones ? *new_ones : none;
  if (old_ones && new_ones) std::ranges::set_difference(is, was, std::back_inserter(change.gained));
  if (old_ones && new_ones) std::ranges::set_difference(was, is, std::back_inserter(change.lost));
  return change;
}

void print(const GrantChange& change, const Side& after) {
  if (!change.said_before && !change.said_after) return;
  if (!change.said_after) {
    fmt::print("grants\n  + anything that its host allows: its claims say nothing any more\n");
    return;
  }
  if (!change.said_before) {
    fmt::print("grants\n  - anything that its host allows: now its claims say what\n");
    for (const auto& grant : *after.seal.grants) fmt::print("  + {}\n", in_words(grant));
    return;
  }
  if (change.gained.empty() && change.lost.empty()) return;
  fmt::print("grants\n");
  for (const auto& grant : change.lost) fmt::print("  - {}\n", in_words(grant));
  for (const auto& grant : change.gained) fmt::print("  + {}\n", in_words(grant));
}

}  // namespace

int diff_command(const DiffOptions& options) {
  std::signal(SIGPIPE, SIG_DFL);
  const auto before = read_side(options.before), after = read_side(options.after);
  if (!before) return report(before.error());
  if (!after) return report(after.error());
  const auto imports = changes(before->imports, after->imports);
  const auto exports = changes(before->exports, after->exports);
  const auto grants = grant_change(*before, *after);
  const auto gains = [](const InterfaceChange& item) { return item.gains(); };
  const auto loses = [](const InterfaceChange& item) { return item.loses(); };
  const bool needs_more = std::ranges::any_of(imports, gains);
  const bool gives_less = std::ranges::any_of(exports, loses);
  if (options.output == "json") {
    const auto side = [](const std::string& file, const Side& of) {
      return ordered_json{{"file", file}, {"digest", of.digest}, {"signature", seal_json(of.seal)}};
    };
    ordered_json out{{"before", side(options.before, *before)},
                     {"after", side(options.after, *after)},
                     {"imports", to_json(imports)},
                     {"exports", to_json(exports)},
                     {"grants", {{"gained", grants.gained}, {"lost", grants.lost}}},
                     {"needsMore", needs_more},
                     {"givesLess", gives_less},
                     {"mayDoMore", grants.widens()}};
    fmt::print("{}\n", out.dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    fmt::print("- {}\n    {}\n    {}\n", options.before, before->digest, signer(*before));
    fmt::print("+ {}\n    {}\n    {}\n", options.after, after->digest, signer(*after));
    print("imports", imports);
    print("exports", exports);
    print(grants, *after);
    const bool same = before->digest == after->digest;
    if (same) {
      fmt::print("the same file\n");
    } else {
      const bool said = grants.said_before || grants.said_after;
      fmt::print("it needs {} of its host, gives {}, and {}\n", needs_more ? "more" : "no more",
                 gives_less ? "less than before" : "all it gave",
                 !said             ? "may do what its host allows, as before"
                 : grants.widens() ? "may do more"
                                   : "may do no more");
    }
  }
  return options.strict && (needs_more || gives_less || grants.widens()) ? kFailed : kDone;
}

}  // namespace unbolt::cli
