#include "unbolt/cli/dev_loop.h"

#include <fmt/ranges.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "unbolt/cli/interrupts.h"
#include "unbolt/cli/open_links.h"
#include "unbolt/cli/output.h"
#include "unbolt/contracts/text.h"

namespace unbolt::cli {
namespace {

using std::chrono::milliseconds;
using Tone = Console::Tone;

constexpr std::string_view kSelf = "dev";
// An editor writes several files, or one in several steps.
constexpr milliseconds kSettle{25};
constexpr std::chrono::seconds kSlow{30};
constexpr std::string_view kData = ".unbolt";

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

std::string text_of(const Error& error) {
  return error.hint.empty() ? error.message : fmt::format("{}\n  {}", error.message, error.hint);
}

// Whether a file lies in a folder or below it.
bool lies_in(const std::filesystem::path& file, const std::string& folder) {
  return file.string().starts_with(folder.ends_with('/') ? folder : folder + "/");
}

}  // namespace

DevLoop::DevLoop(Start start, Console& console, DevHost& host)
    : project_(std::move(start.project)),
      sources_(std::move(start.sources)),
      listener_(start.listener),
      signals_(start.signals),
      wake_(start.wake),
      address_(std::move(start.address)),
      console_(console),
      host_(host) {
  for (const auto& [name, build] : project_.builds) {
    wanted_.insert(name);
    waiting_.insert(name);
  }
}

DevLoop::~DevLoop() { ::close(listener_); }

int DevLoop::run() {
  if (keys_.there()) console_.say(kSelf, list_of_keys(), Tone::Quiet);
  while (!ended_) {
    if (!quitting_ && !quiet_ && !wanted_.empty()) begin_builds();
    if (!quitting_ && deploy_wanted_ && !deploying_ && may_deploy()) deploy();
    // A build that was interrupted, or ends without a word, is looked after now and then.
    int timeout = running_.empty() ? -1 : 100;
    if (quiet_) {
      const auto left = std::chrono::ceil<milliseconds>(*quiet_ - Clock::now()).count();
      timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 100));
    }
    std::vector<pollfd> ready = {
        {signals_, POLLIN, 0},
        {wake_, POLLIN, 0},
        {sources_.descriptor(), POLLIN, 0},
        {keys_.there() ? STDIN_FILENO : -1, POLLIN, 0},
    };
    for (const auto& [name, build] : running_) {
      ready.push_back({build.command.output(), POLLIN, 0});
      ready.push_back({build.command.process(), POLLIN, 0});
    }
    ::poll(ready.data(), ready.size(), timeout);
    if (ready[0].revents) {
      signalfd_siginfo info;
      if (::read(signals_, &info, sizeof info) == sizeof info) {
        if (quitting_) {
          running_.clear();  // no build outlives us
          ::_exit(status_of_signal(static_cast<int>(info.ssi_signo)));
        }
        quit(kDone);
      }
    }
    if (ready[1].revents) on_news();
    if (ready[3].revents) on_keys();
    if (ready[2].revents && !quiet_) quiet_ = Clock::now() + kSettle;
    if (quiet_ && Clock::now() >= *quiet_) look_at_edits();
    poll_builds();
  }
  return status_;
}

void DevLoop::look_at_edits() {
  quiet_.reset();
  if (const auto files = sources_.edited(); !files.empty()) on_edits(files);
}

void DevLoop::on_edits(const std::set<std::string>& files) {
  const auto now = Clock::now() - kSettle;
  std::set<std::string> components;
  bool manifest = false;
  for (const std::string& file : files) {
    const auto path = project_.folder / file;
    if (path == project_.manifest) {
      manifest = true;
      continue;
    }
    bool somebodys = false;
    for (const auto& [name, state] : project_.desired.components) {
      if (project_.builds.contains(name) || state.image != path) continue;
      built_.insert(name);
      deploy_wanted_ = somebodys = true;
    }
    std::set<std::string> in_folder;
    for (const auto& [name, build] : project_.builds)
      if (lies_in(path, build.folder)) in_folder.insert(name);
    // What lies beside them all may be used by any.
    if (in_folder.empty() && !somebodys)
      for (const auto& [name, build] : project_.builds) components.insert(name);
    components.merge(in_folder);
  }
  if (!edited_) edited_ = now;
  if (!components.empty()) {
    console_.say(kSelf,
                 files.size() == 1
                     ? fmt::format("{} changed", *files.begin())
                     : fmt::format("{} and {} more changed", *files.begin(), files.size() - 1),
                 Tone::Quiet);
  }
  for (const std::string& name : components) want(name);
  if (manifest) read_manifest_again();
}

void DevLoop::want(const std::string& component) {
  wanted_.insert(component);
  const auto build = running_.find(component);
  if (build == running_.end() || build->second.command.interrupted()) return;
  console_.say(component, "the build is begun anew", Tone::Quiet);
  build->second.command.interrupt();
}

void DevLoop::read_manifest_again() {
  auto project = read_project(project_.manifest.string());
  if (!project) {
    console_.say(kSelf, text_of(project.error()), Tone::Bad);
    return;
  }
  if (project->desired.name != project_.desired.name) {
    console_.say(kSelf,
                 fmt::format("the application is still called '{}'; start unbolt dev anew for '{}'",
                             project_.desired.name, project->desired.name),
                 Tone::Bad);
    project->desired.name = project_.desired.name;
  }
  console_.say(kSelf, "the manifest changed", Tone::Quiet);
  const auto before = std::exchange(project_, std::move(*project));
  for (const auto& [name, build] : project_.builds) {
    const auto was = before.builds.find(name);
    const auto image = before.desired.components.find(name);
    if (was != before.builds.end() && was->second.command == build.command &&
        was->second.folder == build.folder &&
        image->second.image == project_.desired.components.at(name).image)
      continue;
    waiting_.insert(name);
    want(name);
  }
  std::erase_if(wanted_, [&](const auto& name) { return !project_.builds.contains(name); });
  std::erase_if(waiting_, [&](const auto& name) { return !project_.builds.contains(name); });
  std::erase_if(built_,
                [&](const auto& name) { return !project_.desired.components.contains(name); });
  auto sources =
      project::Sources::open(project_.folder, project_.outputs(), project_.folder / kData / "made");
  if (sources) {
    sources_ = std::move(*sources);
    for (const auto& [name, build] : running_) sources_.build_begins(name);
  }
  deploy_wanted_ = true;
}

// Two builds in one folder, or one in a folder of another's, may use the same files.
bool DevLoop::in_the_way(const std::string& name) const {
  const std::string& folder = project_.builds.at(name).folder;
  return std::ranges::any_of(running_, [&](const auto& entry) {
    const std::string& other = entry.second.folder;
    return entry.first == name || other == folder || lies_in(other, folder) ||
           lies_in(folder, other);
  });
}

void DevLoop::begin_builds() {
  // What was edited until now is in these builds; it may change which there are.
  if (const auto files = sources_.edited(); !files.empty()) on_edits(files);
  for (const std::string& name : std::set(wanted_)) {
    if (running_.size() >= std::max(1u, std::thread::hardware_concurrency())) return;
    if (!in_the_way(name)) begin_build(name);
  }
}

void DevLoop::begin_build(const std::string& name) {
  const control::Build& build = project_.builds.at(name);
  wanted_.erase(name);
  console_.say(name, first_line_of(build.command), Tone::Quiet);
  auto command = project::ShellCommand::start(build.command, build.folder,
                                              build_environment(console_.colours()));
  if (!command) {
    console_.say(name, text_of(command.error()), Tone::Bad);
    return;
  }
  sources_.build_begins(name);
  running_.emplace(name, Running{std::move(*command), build.folder, Clock::now()});
}

// What was edited together is put into service together; who hangs holds nobody up.
bool DevLoop::may_deploy() const {
  return wanted_.empty() && std::ranges::all_of(running_, [&](const auto& entry) {
           return entry.second.told_of_slowness && !waiting_.contains(entry.first);
         });
}

void DevLoop::poll_builds() {
  std::vector<std::pair<std::string, int>> ended;
  for (auto& [name, build] : running_) {
    const auto say = [&](std::string_view line) { console_.say(name, line); };
    build.command.read(say);
    if (const auto status = build.command.ended(say)) {
      ended.emplace_back(name, *status);
    } else if (!build.told_of_slowness && Clock::now() - build.began > kSlow) {
      build.told_of_slowness = true;
      console_.say(
          name,
          fmt::format("still building after {} s; the next edit begins it anew", kSlow.count()),
          Tone::Quiet);
    }
  }
  for (const auto& [name, status] : ended) end_build(name, status);
}

void DevLoop::end_build(const std::string& name, int status) {
  const auto build = running_.find(name);
  // What it wrote until now is its own.
  const auto files = sources_.edited();
  const bool interrupted = build->second.command.interrupted();
  const auto took = Clock::now() - build->second.began;
  running_.erase(build);
  sources_.build_ends(name);
  if (!files.empty()) on_edits(files);
  if (quitting_) {
    quit(status_);
    return;
  }
  if (interrupted || !project_.builds.contains(name)) return;
  Result<> made;
  if (status != 0)
    made = fail(ErrorCode::Internal, "the build failed with status {}", status);
  else
    made = finish_build(project_.desired.components.at(name).image);
  if (!made) {
    const bool serves = host_.serves() && !waiting_.contains(name);
    console_.say(name,
                 fmt::format("{}; {}", text_of(made.error()),
                             serves ? "what was built before goes on serving"
                                    : "the next edit builds again"),
                 Tone::Bad);
    edited_.reset();
    return;
  }
  console_.say(name, fmt::format("built in {:.2f} s", seconds(took)), Tone::Good);
  waiting_.erase(name);
  built_.insert(name);
  deploy_wanted_ = true;
}

Result<Deployment> DevLoop::deployment() {
  Deployment result{project_.desired, {}, built_};
  const auto folder = project_.folder / kData;
  for (auto& [name, state] : result.desired.components) {
    if (!state.is_file()) continue;
    auto packages = imported_packages(state.image);
    if (!packages) return std::unexpected(std::move(packages).error());
    std::set<control::LinkKey> open;
    for (auto& [key, url] : local_links(*packages, name, folder)) {
      const bool linked = std::ranges::any_of(
          state.links, [&](const auto& link) { return link.first.contract == key.contract; });
      if (linked) continue;
      open.insert(key);
      if (!announced_[name].contains(key)) {
        const auto shown = std::filesystem::path(url.substr(url.find(':') + 1))
                               .lexically_relative(project_.folder)
                               .string();
        console_.say(
            name, fmt::format("{} -> {}{} (the manifest says nothing: made for it)", key.contract,
                              url.substr(0, url.find(':') + 1), url.ends_with(':') ? "" : shown));
      }
      state.links.emplace(key, url);
    }
    announced_[name] = open;
    result.made.emplace(name, std::move(open));
  }
  return result;
}

void DevLoop::deploy() {
  deploy_wanted_ = false;
  if (!waiting_.empty()) {
    console_.say(kSelf,
                 fmt::format("nothing serves before {} {} built", fmt::join(waiting_, ", "),
                             waiting_.size() == 1 ? "is" : "are"),
                 Tone::Bad);
    return;
  }
  auto wanted = deployment();
  if (!wanted) {
    console_.say(kSelf, text_of(wanted.error()), Tone::Bad);
    return;
  }
  built_.clear();
  if (host_.serves()) {
    host_.deploy(std::move(*wanted));
    deploying_ = true;
    return;
  }
  if (host_.running()) return;
  if (auto started = host_.start(std::move(*wanted), ::dup(listener_)); !started) {
    console_.say(kSelf, text_of(started.error()), Tone::Bad);
    quit(kFailed);
  }
  deploying_ = true;
}

void DevLoop::on_news() {
  std::uint64_t count;
  if (::read(wake_, &count, sizeof count) < 0) return;
  auto news = host_.take();
  if (news.ready) {
    deploying_ = false;
    edited_.reset();
    console_.say(kSelf, fmt::format("listening on http://{}", address_), Tone::Good);
  }
  for (auto& [reports, words] : news.changed) {
    if (words.empty()) deploying_ = false;
    if (!reports) {
      console_.say(words.empty() ? kSelf : std::string_view(words),
                   fmt::format("{}; what ran before goes on", text_of(reports.error())), Tone::Bad);
    } else if (reports->empty()) {
      console_.say(kSelf, "nothing is different", Tone::Quiet);
    }
    if (!reports) continue;
    for (const auto& report : *reports) {
      console_.say(report.component,
                   edited_ && words.empty()
                       ? fmt::format("the new code answers, {:.2f} s after the edit ({})",
                                     seconds(Clock::now() - *edited_), report.change)
                       : report.change,
                   Tone::Good);
    }
  }
  if (!news.changed.empty()) edited_.reset();
  if (news.ended) {
    const bool served = host_.serves() && !news.ready;
    const int status = host_.join();
    deploying_ = false;
    // A start that failed is tried again with the next edit; who was stopped is done.
    if (quitting_ || served) {
      status_ = std::max(status_, status);
      quitting_ = ended_ = true;
    }
  }
}

void DevLoop::quit(int status) {
  status_ = std::max(status_, status);
  quitting_ = true;
  for (auto& [name, build] : running_) {
    if (!build.command.interrupted()) console_.say(name, "the build is ended", Tone::Quiet);
    build.command.interrupt();
  }
  if (!running_.empty()) return;
  if (host_.running()) {
    host_.stop();
  } else {
    ended_ = true;
  }
}

}  // namespace unbolt::cli
