#include "unbolt/cli/inspect.h"

#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "unbolt/cli/component_file.h"
#include "unbolt/cli/component_interfaces.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/seal_text.h"
#include "unbolt/contracts/text.h"

namespace unbolt::cli {
namespace {

using component::Plan;
using nlohmann::ordered_json;

struct Interface : InterfaceText {
  std::string problem;  // empty: met
};

std::vector<Interface> met_imports(const Plan& plan, const component::HostInterfaces& host) {
  const auto unmet = component::unmet_imports(plan, host);
  std::vector<Interface> interfaces;
  for (auto& import : imports_of(plan)) {
    Interface item{std::move(import), {}};
    for (const auto& problem : unmet) {
      if (problem.name == item.name || problem.name.starts_with(item.name + "#") ||
          (item.name.empty() && !problem.name.contains('#') && !problem.name.contains('/'))) {
        if (!item.problem.empty()) item.problem += "; ";
        item.problem +=
            problem.name == item.name ? problem.problem : problem.name + ": " + problem.problem;
      }
    }
    interfaces.push_back(std::move(item));
  }
  return interfaces;
}

std::string signature(const claims::Verification& seen) {
  switch (seen.state) {
    case claims::SealState::Unsigned: return "none";
    case claims::SealState::Valid: return "valid";
    default: return std::string(claims::to_string(seen.state)) + ": " + seen.problem;
  }
}

void print_text(const component::ComponentFile& file, const std::string& path,
                const std::string& digest, const claims::Verification& seen,
                const std::vector<Interface>& imports, const std::vector<InterfaceText>& exports) {
  const auto show = [](std::string_view text) { return contracts::printable(text, 4096); };
  const auto name_of = [&](const InterfaceText& i) {
    return i.name.empty() ? "(top level)" : show(i.name);
  };
  const Plan& plan = file.plan();
  fmt::print("{}: component, {} bytes, {} core modules\n", path, file.bytes().size(),
             plan.modules.size());
  fmt::print("digest: {}\nsignature: {}\n{}", digest, signature(seen), describe(seen));
  fmt::print("imports{}\n", imports.empty() ? ": none" : "");
  std::size_t problems = 0;
  for (const auto& item : imports) {
    problems += !item.problem.empty();
    fmt::print("  {} {}{}\n", item.problem.empty() ? "+" : "-", name_of(item),
               item.problem.empty() ? "" : " (not met)");
    for (const auto& func : item.functions)
      fmt::print("      {}: {}\n", show(func.name), show(func.type));
    if (!item.problem.empty()) fmt::print("      not met: {}\n", item.problem);
  }
  fmt::print("exports{}\n", exports.empty() ? ": none" : "");
  for (const auto& item : exports) {
    fmt::print("    {}\n", name_of(item));
    for (const auto& func : item.functions)
      fmt::print("      {}: {}\n", show(func.name), show(func.type));
  }
  for (const auto& what : plan.unsupported) fmt::print("not supported yet: {}\n", what);
  if (!plan.unsupported.empty()) {
    fmt::print("cannot run here\n");
  } else if (problems) {
    fmt::print("cannot run here: {} of {} imports are not met\n", problems, imports.size());
  } else {
    fmt::print("every import is met\n");
  }
}

ordered_json to_json(const InterfaceText& item) {
  ordered_json one{{"name", item.name}, {"functions", ordered_json::array()}};
  for (const auto& func : item.functions)
    one["functions"].push_back({{"name", func.name}, {"type", func.type}});
  return one;
}

ordered_json to_json(const std::vector<Interface>& imports) {
  auto list = ordered_json::array();
  for (const auto& item : imports) {
    ordered_json one{{"name", item.name}, {"met", item.problem.empty()}};
    if (!item.problem.empty()) one["problem"] = item.problem;
    one.update(to_json(static_cast<const InterfaceText&>(item)));
    list.push_back(std::move(one));
  }
  return list;
}

ordered_json to_json(const std::vector<InterfaceText>& exports) {
  auto list = ordered_json::array();
  for (const auto& item : exports) list.push_back(to_json(item));
  return list;
}

}  // namespace

int inspect_command(const InspectOptions& options) {
  // `unbolt inspect FILE | head` ends as other programs do when nobody reads on.
  std::signal(SIGPIPE, SIG_DFL);
  // What was signed is the file itself: a core module is made a component only to be looked at.
  const auto bytes = read_file(options.file);
  if (!bytes) return report(bytes.error());
  const auto seen = claims::verify(*bytes, time_now());
  const std::string digest = digest_of(*bytes);
  const auto file = open_component(options.file);
  if (!file) return report(file.error());
  const auto host = host_interfaces((*file)->plan());
  const auto imports = met_imports((*file)->plan(), host);
  const auto exports = exports_of((*file)->plan());
  if (options.output == "json") {
    ordered_json out{{"file", options.file},
                     {"size", (*file)->bytes().size()},
                     {"coreModules", (*file)->plan().modules.size()},
                     {"digest", digest},
                     {"signature", seal_json(seen)},
                     {"unsupported", (*file)->plan().unsupported},
                     {"imports", to_json(imports)},
                     {"exports", to_json(exports)}};
    fmt::print("{}\n", out.dump(2, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    print_text(**file, options.file, digest, seen, imports, exports);
  }
  return kDone;
}

}  // namespace unbolt::cli
