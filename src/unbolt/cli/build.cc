#include "unbolt/cli/build.h"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <atomic>
#include <csignal>
#include <filesystem>

#include "unbolt/cli/console.h"
#include "unbolt/cli/interrupts.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/project.h"
#include "unbolt/project/shell_command.h"

namespace unbolt::cli {
namespace {

std::atomic<int> arrived{0};

// A build dies with who started it.
void end_builds_on_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action{};
    action.sa_handler = [](int number) { arrived = number; };
    ::sigaction(signal, &action, nullptr);
  }
}

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

// The exit status of the program.
int build_one(Console& console, const std::string& name, const control::Build& build,
              const std::string& image) {
  const auto begun = std::chrono::steady_clock::now();
  console.say(name, first_line_of(build.command), Console::Tone::Quiet);
  auto command = project::ShellCommand::start(build.command, build.folder,
                                              build_environment(console.colours()));
  if (!command) return report(Error(command.error()).in(name));
  const int status = command->wait([&](std::string_view line) { console.say(name, line); },
                                   [&] {
                                     if (arrived) command->interrupt();
                                   });
  if (arrived) return status_of_signal(arrived);
  if (status != 0) {
    return report({ErrorCode::Internal,
                   fmt::format("{}: the build failed with status {} after {:.1f} s", name, status,
                               seconds_since(begun)),
                   "what it printed stands above; unbolt doctor checks this machine's tools"});
  }
  if (auto made = finish_build(image); !made) return report(Error(made.error()).in(name));
  std::error_code failure;
  console.say(name,
              fmt::format("{} ({:.1f} KB) in {:.1f} s", image,
                          static_cast<double>(std::filesystem::file_size(image, failure)) / 1e3,
                          seconds_since(begun)),
              Console::Tone::Good);
  return kDone;
}

}  // namespace

int build_command(const BuildOptions& options) {
  const auto project = read_project(options.project);
  if (!project) return report(project.error());
  std::vector<std::string> wanted = options.components, there;
  for (const auto& [name, build] : project->builds) there.push_back(name);
  if (wanted.empty()) wanted = there;
  if (wanted.empty()) {
    return report(
        {ErrorCode::NotFound,
         fmt::format("{}: no component of it says how it is built", project->manifest.string()),
         "add it to a component, as in build: make; see docs/manifest.md"});
  }
  end_builds_on_signals();
  Console console;
  for (const std::string& name : wanted) {
    const auto build = project->builds.find(name);
    if (build == project->builds.end()) {
      return report({ErrorCode::NotFound, fmt::format("no component '{}' has a build", name),
                     fmt::format("these have: {}", fmt::join(there, ", "))});
    }
    const std::string& image = project->desired.components.at(name).image;
    if (const int status = build_one(console, name, build->second, image); status != kDone)
      return status;
  }
  return kDone;
}

}  // namespace unbolt::cli
