#include "unbolt/cli/up.h"

#include <fmt/ranges.h>

#include <cstdio>
#include <vector>

#include "unbolt/cli/app_host.h"
#include "unbolt/cli/manifest_file.h"
#include "unbolt/cli/output.h"
#include "unbolt/host/audit.h"
#include "unbolt/http/server.h"

namespace unbolt::cli {
namespace {

// What leads where, in a few lines.
void print_application(const control::Application& application) {
  constexpr std::size_t kFew = 20;
  std::vector<std::string> names, ways;
  for (const auto& status : application.status()) names.push_back(status.name);
  for (const auto& route : application.routes())
    ways.push_back(fmt::format("{}{} -> {}", route.host, route.path, route.to));
  for (const auto& topic : application.topics())
    ways.push_back(fmt::format("topic {} -> {}", topic.subject, topic.component));
  const auto few = [](std::vector<std::string> all) {
    if (const std::size_t count = all.size(); count > kFew) {
      all.resize(kFew);
      all.push_back(fmt::format("and {} more: unbolt ps", count - kFew));
    }
    return all;
  };
  std::printf("%s\n", fmt::format("{}: {}", application.desired().name,
                                  fmt::join(few(std::move(names)), ", "))
                          .c_str());
  for (const std::string& way : few(std::move(ways))) std::printf("  %s\n", way.c_str());
}

void announce(const std::string& address, const control::Application& application) {
  print_application(application);
  std::printf("listening on http://%s\n", address.c_str());
  std::fflush(stdout);
}

}  // namespace

int up_command(const UpOptions& options) {
  auto endpoint = http::parse_listen_address(options.listen);
  if (!endpoint) return report(std::move(endpoint).error().in("--listen"));
  auto admission = read_admission(options.admission);
  if (!admission) return report(admission.error());
  auto desired = read_manifest(options.manifest);
  if (!desired) return report(desired.error());
  auto folder = control::StateFolder::claim(desired->name);
  if (!folder) return report(folder.error());
  auto revisions = control::RevisionStore::open(folder->path());
  if (!revisions) return report(revisions.error());
  const auto listener = http::listen_on(*endpoint);
  if (!listener) {
    (void)report(listener.error());
    return kFailed;
  }
  const auto memory = options.reset ? HostOptions::Memory::Begun : HostOptions::Memory::Kept;
  host::Audit audit(stderr_log());
  if (!options.admission.audit_log.empty()) {
    if (auto opened = audit.open(options.admission.audit_log); !opened)
      return report(opened.error());
  }
  AppHost host({.log = stderr_log(),
                .audit = audit,
                .threads = options.threads,
                .max_instances = options.max_instances,
                .memory = memory,
                .admission = std::move(*admission),
                .ready = announce},
               std::move(*desired), std::move(*folder), std::move(*revisions), *listener);
  return host.run();
}

}  // namespace unbolt::cli
