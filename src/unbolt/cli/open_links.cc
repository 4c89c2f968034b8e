#include "unbolt/cli/open_links.h"

#include <algorithm>

#include "unbolt/cli/component_file.h"
#include "unbolt/cli/providers.h"
#include "unbolt/control/paths.h"

namespace unbolt::cli {

Result<std::set<std::string>> imported_packages(const std::string& image) {
  UNBOLT_ASSIGN(const auto file, open_component(image));
  std::set<std::string> packages;
  for (const auto& import : file->plan().imports)
    packages.insert(import.name.substr(0, import.name.find_first_of("/@")));
  return packages;
}

std::map<control::LinkKey, std::string> local_links(const std::set<std::string>& packages,
                                                    const std::string& component,
                                                    const std::filesystem::path& folder) {
  std::map<control::LinkKey, std::string> links;
  for (const auto& [contract, schemes] : provider_tables().schemes()) {
    // Its values stand in the manifest.
    if (!packages.contains(contract) || contract == "wasi:config") continue;
    const auto has = [&](std::string_view scheme) {
      return std::ranges::find(schemes, scheme) != schemes.end();
    };
    std::string what = contract.substr(contract.find(':') + 1);
    std::ranges::replace(what, '/', '-');
    std::string text;
    if (has("simulator")) {
      text = "simulator:";
    } else if (has("sqlite")) {
      text = fmt::format("sqlite:{}-{}.db", component, what);
    } else if (has("file")) {
      text = fmt::format("file:{}-{}", component, what);
    } else if (has("memory")) {
      text = "memory:";
    } else {
      continue;
    }
    const auto url = contracts::parse_provider_url(text);
    if (!url) continue;
    if (text != "memory:" && text != "simulator:") {
      auto absolute = control::absolute_url(text, *url, folder);
      if (!absolute) continue;
      text = std::move(*absolute);
    }
    links.emplace(control::LinkKey{contract, {}}, std::move(text));
  }
  return links;
}

}  // namespace unbolt::cli
