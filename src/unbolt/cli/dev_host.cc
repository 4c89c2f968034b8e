#include "unbolt/cli/dev_host.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <utility>

#include "unbolt/contracts/provider_url.h"
#include "unbolt/control/revision_store.h"
#include "unbolt/control/state_folder.h"

namespace unbolt::cli {
namespace {

using control::DesiredState;

// What the manifest says now, where it says something else than `base`; else what is there.
DesiredState merge(const DesiredState& current, const DesiredState& base, Deployment wanted) {
  DesiredState result = std::move(wanted.desired);
  for (auto& [name, state] : result.components) {
    const auto now = current.components.find(name);
    if (now == current.components.end()) continue;
    if (state.digest.empty() && !wanted.rebuilt.contains(name)) state.digest = now->second.digest;
    const auto before = base.components.find(name);
    if (before == base.components.end()) continue;
    for (auto& [key, url] : state.links) {
      const auto was = before->second.links.find(key);
      const auto is = now->second.links.find(key);
      if (was != before->second.links.end() && was->second == url && is != now->second.links.end())
        url = is->second;
    }
    // Links that were added by hand.
    for (const auto& [key, url] : now->second.links) {
      if (!before->second.links.contains(key) && !state.links.contains(key) &&
          !wanted.made[name].contains(key) && !url.starts_with("component:"))
        state.links.emplace(key, url);
    }
  }
  return result;
}

Task<Result<std::vector<control::ChangeReport>>> bring(control::Application& application,
                                                       DesiredState base, Deployment wanted) {
  auto resolved =
      co_await application.resolve(merge(application.desired(), base, std::move(wanted)));
  if (!resolved) co_return std::unexpected(std::move(resolved).error());
  co_return co_await application.apply(std::move(*resolved));
}

Task<Result<std::vector<control::ChangeReport>>> swap_one(control::Application& application,
                                                          std::string component,
                                                          std::string contract, std::string url) {
  auto report = co_await application.swap_link(std::move(component), {std::move(contract), {}},
                                               std::move(url), control::Carry::Nothing);
  if (!report) co_return std::unexpected(std::move(report).error());
  co_return std::vector{std::move(*report)};
}

}  // namespace

DevHost::DevHost(Console& console, std::optional<unsigned> threads, std::function<void()> wake)
    : console_(console), threads_(threads), wake_(std::move(wake)) {}

DevHost::~DevHost() {
  if (!host_) return;
  stop();
  join();
}

void DevHost::post(Changed changed) {
  {
    const std::lock_guard lock(mutex_);
    news_.changed.push_back(std::move(changed));
  }
  wake_();
}

DevHost::News DevHost::take() {
  const std::lock_guard lock(mutex_);
  if (news_.ready) serves_ = true;
  return std::exchange(news_, {});
}

Result<> DevHost::start(Deployment deployment, int listener) {
  auto folder = control::StateFolder::claim(deployment.desired.name);
  if (!folder) return std::unexpected(std::move(folder).error());
  auto revisions = control::RevisionStore::open(folder->path());
  if (!revisions) return std::unexpected(std::move(revisions).error());
  base_ = deployment.desired;
  serves_ = false;
  HostOptions options{.log = console_, .audit = audit_, .threads = threads_};
  options.memory = HostOptions::Memory::None;
  options.signals = HostOptions::Signals::NotOurs;
  options.modules = component::CompileOptions::Modules::Apart;
  // An edit leaves most functions of a component what they were.
  options.kept_functions = folder->path() / "functions";
  options.ready = [this](const std::string&, const control::Application&) {
    {
      const std::lock_guard lock(mutex_);
      news_.ready = true;
    }
    wake_();
  };
  host_ = std::make_unique<AppHost>(std::move(options), std::move(deployment.desired),
                                    std::move(*folder), std::move(*revisions), listener);
  thread_ = std::thread([this] {
    status_ = host_->run();
    {
      const std::lock_guard lock(mutex_);
      news_.ended = true;
    }
    wake_();
  });
  return {};
}

void DevHost::deploy(Deployment deployment) {
  DesiredState next = deployment.desired;
  asio::co_spawn(
      host_->control(),
      bring(host_->application(), *std::exchange(base_, std::move(next)), std::move(deployment)),
      [this](std::exception_ptr failure, Result<std::vector<control::ChangeReport>> reports) {
        if (failure) reports = fail(ErrorCode::Internal, "the change ended in a fault");
        post({std::move(reports), {}});
      });
}

void DevHost::swap(std::string component, std::string contract, std::string url) {
  const std::string words = fmt::format("{}: {}", component, contract);
  asio::co_spawn(
      host_->control(),
      swap_one(host_->application(), std::move(component), std::move(contract), std::move(url)),
      [this, words](std::exception_ptr failure,
                    Result<std::vector<control::ChangeReport>> reports) {
        if (failure) reports = fail(ErrorCode::Internal, "the swap ended in a fault");
        post({std::move(reports), words});
      });
}

void DevHost::show_links() {
  asio::post(host_->control(), [this] {
    for (const auto& status : host_->application().status()) {
      if (status.state.links.empty()) console_.say(status.name, "no links");
      for (const auto& [key, url] : status.state.links) {
        const auto parsed = contracts::parse_provider_url(url);
        console_.say(status.name,
                     fmt::format("{}{} -> {}", key.contract,
                                 key.name.empty() ? "" : fmt::format(" ({})", key.name),
                                 parsed ? parsed->shown() : url));
      }
    }
  });
}

void DevHost::stop() {
  if (host_) host_->stop();
}

int DevHost::join() {
  thread_.join();
  host_.reset();
  return status_;
}

}  // namespace unbolt::cli
