#include "unbolt/cli/app_host.h"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <fmt/ranges.h>
#include <algorithm>
#include <csignal>
#include <cstdio>

#include <map>
#include <set>
#include <thread>

#include "unbolt/cli/component_file.h"
#include "unbolt/cli/manifest_file.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/providers.h"
#include "unbolt/cli/serving.h"
#include "unbolt/control/commands.h"
#include "unbolt/control/state_folder.h"
#include "unbolt/engine/compiled_cache.h"

namespace unbolt::cli {
namespace {

constexpr std::size_t kBlockingThreads = 16;
constexpr std::chrono::seconds kDrain{30};
// What is kept: of which manifest it is, what is desired, and what each component was before.
constexpr std::string_view kOfManifest = "# of the manifest ", kBefore = "--- # before\n";

// Opens and links components, each file once while anyone uses it. Thread-safe.
class Loader final : public control::ComponentLoader {
 public:
  Loader(const engine::Engine& engine, const HostOptions& options)
      : log_(options.log),
        engine_(engine),
        modules_(options.modules),
        admission_(options.admission) {
    auto cache = engine::CompiledCache::open(engine::CompiledCache::default_folder());
    if (cache) {
      cache_.emplace(std::move(*cache));
    } else {
      options.log.line(LogLevel::Warn, "engine", "compiled code is not cached: {}",
                       cache.error().message);
    }
  }

  Result<Loaded> load(const std::string& file, const std::string& shown,
                      const host::ComponentLinks& links) override {
    const std::lock_guard lock(mutex_);
    // What it is linked to is checked anew when that has another revision.
    std::string key = file;
    for (const auto& [contract, to] : links)
      key +=
          fmt::format("\n{}={}@{}", contract, to.link, static_cast<const void*>(to.callee.get()));
    std::erase_if(loaded_, [](const auto& entry) { return entry.second.component.expired(); });
    if (const auto found = loaded_.find(key); found != loaded_.end()) {
      if (auto component = found->second.component.lock())
        return Loaded{std::move(component), found->second.claims};
    }
    const auto* cache = cache_ ? &*cache_ : nullptr;
    auto opened = open_component(file, shown, admission_, engine_, cache);
    if (!opened) return std::unexpected(std::move(opened).error());
    if (const auto line = not_granted_line(*opened); !line.empty())
      log_.line(LogLevel::Warn, shown, "{}", line);
    // Host functions are found in the interfaces for as long as the component lives.
    struct Linked {
      explicit Linked(std::shared_ptr<const component::HostInterfaces> shared)
          : offered(std::move(shared)), interfaces(offered.get()) {}
      std::shared_ptr<const component::HostInterfaces> offered;
      component::HostInterfaces interfaces;
      std::shared_ptr<const component::LinkedComponent> component;
    };
    auto loaded = std::make_shared<Linked>(offered_to(opened->file->plan()));
    if (!links.empty()) {
      if (auto linked = host::link_components(opened->file, links, loaded->interfaces); !linked)
        return std::unexpected(std::move(linked).error().in(shown));
    }
    UNBOLT_ASSIGN(loaded->component,
                  link_component(shown, *opened, engine_, loaded->interfaces, cache, modules_));
    std::shared_ptr<const component::LinkedComponent> component(loaded, loaded->component.get());
    loaded_.insert_or_assign(std::move(key), Known{component, opened->claims});
    return Loaded{std::move(component), std::move(opened->claims)};
  }

  Result<Interfaces> interfaces(const std::string& file, const std::string& shown) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = interfaces_.find(file); found != interfaces_.end()) return found->second;
    UNBOLT_ASSIGN(const auto opened,
                  open_component(file, shown, admission_, engine_, cache_ ? &*cache_ : nullptr));
    const auto offered = offered_to(opened.file->plan());
    Interfaces result;
    for (const auto& import : opened.file->plan().imports) {
      if (!offered->find(import.name)) result.foreign.push_back(import.name);
    }
    result.exported = opened.file->plan().exported_interfaces;
    if (interfaces_.size() >= kMostKnown) interfaces_.clear();
    interfaces_.emplace(file, result);
    return result;
  }

 private:
  // What the program offers to a component: the same object for all that import from the same
  // packages, as each holds what these declare.
  std::shared_ptr<const component::HostInterfaces> offered_to(const component::Plan& plan) {
    std::set<std::string_view> packages;
    for (const auto& import : plan.imports)
      packages.insert(std::string_view(import.name).substr(0, import.name.find('/')));
    auto& offered = offered_[fmt::format("{}", fmt::join(packages, " "))];
    if (!offered) offered = std::make_shared<component::HostInterfaces>(host_interfaces(plan));
    return offered;
  }

  Log& log_;
  const engine::Engine& engine_;
  const component::CompileOptions::Modules modules_;
  const claims::Admission admission_;
  std::optional<engine::CompiledCache> cache_;
  std::map<std::string, std::shared_ptr<const component::HostInterfaces>> offered_;
  std::mutex mutex_;
  struct Known {
    std::weak_ptr<const component::LinkedComponent> component;
    std::shared_ptr<const contracts::ClaimedGrants> claims;
  };
  std::map<std::string, Known> loaded_;
  static constexpr std::size_t kMostKnown = 10'000;
  std::map<std::string, Interfaces> interfaces_;  // of files by their digest, which do not change
};

}  // namespace

// One host that runs one application. Its members are in the order in which they need each other.
class AppHost::Body {
 public:
  Body(HostOptions options, control::DesiredState desired, control::StateFolder folder,
       control::RevisionStore revisions, int listener)
      : options_(std::move(options)),
        desired_(std::move(desired)),
        folder_(std::move(folder)),
        revisions_(std::move(revisions)),
        listener_(listener),
        log_(options_.log),
        engine_(engine::EngineOptions{.max_instances = options_.max_instances,
                                      .kept_functions = options_.kept_functions}),
        fibers_(engine_),
        loader_(engine_, options_),
        loops_(make_loops(options_)),
        blocking_(kBlockingThreads),
        providers_(provider_tables(), {log_, blocking_}),
        plugins_(plugin_probe(), log_),
        deployer_({providers_, plugins_, blocking_, log_, revisions_, loader_, loops_.size(),
                   engine_.pool_size() ? engine_.pool_size() : std::max(1u, options_.max_instances),
                   options_.audit}),
        data_plane_(loops_, fibers_, log_),
        subscriptions_(providers_, data_plane_, blocking_, log_),
        watches_(control_.get_executor(), data_plane_),
        listeners_(control_.get_executor(), data_plane_, log_),
        application_(
            control_.get_executor(),
            {data_plane_, blocking_, deployer_, revisions_, subscriptions_, watches_, listeners_,
             log_, [this](const control::KeptState& state) { return store(state); }}),
        commands_({application_, log_, manifest_context(Variables::None),
                   "http://" + address_of(listener), [this] { stop_here(); }}),
        server_(
            control_.get_executor(),
            [this](control::Json request, control::ControlAnswer& answer) {
              return commands_.handle(std::move(request), answer);
            },
            log_) {}

  // Until it is stopped; the exit status.
  int run() {
    asio::basic_signal_set<Executor> signals(control_.get_executor());
    if (options_.signals == HostOptions::Signals::End) {
      signals.add(SIGTERM);
      signals.add(SIGINT);
    }
    signals.async_wait([&](boost::system::error_code error, int) {
      if (error) return;
      stop_here();
      // A second signal does not wait.
      signals.async_wait([](boost::system::error_code again, int) {
        if (!again) ::_exit(kFailed);
      });
    });
    asio::co_spawn(control_, start(), [this](std::exception_ptr failure, Result<> started) {
      if (failure) started = fail(ErrorCode::Internal, "the start ended in a fault");
      if (started) return;
      status_ = report(started.error());
      stop_here();
    });
    std::thread control([this] {
      auto keep = asio::make_work_guard(control_);
      control_.run();
    });
    run_loops(loops_);
    control.join();
    return status_;
  }

  void stop() {
    asio::post(control_, [this] { stop_here(); });
  }
  Executor control() { return control_.get_executor(); }
  control::Application& application() { return application_; }

 private:
  static std::vector<std::unique_ptr<asio::io_context>> make_loops(const HostOptions& options) {
    std::vector<std::unique_ptr<asio::io_context>> loops;
    const unsigned count =
        options.threads.value_or(std::max(1u, std::thread::hardware_concurrency()));
    for (unsigned i = 0; i < count; ++i) loops.push_back(std::make_unique<asio::io_context>(1));
    return loops;
  }

  Task<Result<>> start() {
    auto wanted = co_await application_.resolve(desired_);
    if (!wanted) co_return std::unexpected(std::move(wanted).error());
    const std::string text = control::to_yaml(*wanted);
    of_manifest_ = engine::sha256_hex(as_bytes(text));
    auto kept = options_.memory != HostOptions::Memory::Kept
                    ? Result<std::optional<control::KeptState>>(std::nullopt)
                    : load_kept();
    if (!kept) co_return std::unexpected(std::move(kept).error());
    std::map<std::string, control::ComponentState> previous;
    if (*kept) previous = std::move((*kept)->previous);
    if (*kept && (*kept)->desired != *wanted) {
      log_.line(LogLevel::Info, "host",
                "the manifest is as it was, and the application goes on as it was changed since; "
                "--reset begins with the manifest");
      wanted = std::move((*kept)->desired);
    }
    auto applied = co_await application_.apply(std::move(*wanted), std::move(previous));
    if (!applied) co_return std::unexpected(std::move(applied).error());
    auto served = co_await data_plane_.serve(listener_);
    if (!served) co_return served;
    if (auto started = server_.start(folder_.socket()); !started) co_return started;
    if (application_.routes().empty())
      log_.line(LogLevel::Warn, "host", "no route leads to a component: nothing answers HTTP");
    options_.ready(address_of(listener_), application_);
    co_return Result<>();
  }

  // What was kept, where that began with this manifest and these files.
  Result<std::optional<control::KeptState>> load_kept() {
    UNBOLT_ASSIGN(const auto text, folder_.load());
    if (!text || !text->starts_with(std::string(kOfManifest) + of_manifest_)) return std::nullopt;
    const auto parse = [&](std::string_view part) {
      return control::parse_manifest(part, (folder_.path() / "desired.yaml").string(), "/",
                                     manifest_context(Variables::None));
    };
    const std::string_view all = *text;
    const std::size_t before = all.find(fmt::format("\n{}", kBefore));
    auto state = parse(all.substr(0, before));
    if (!state) {
      Error error = state.error().to_error();
      error.code = ErrorCode::InvalidFile;
      error.hint = "begin with the manifest: unbolt up --reset";
      return std::unexpected(std::move(error));
    }
    control::KeptState kept{std::move(*state), {}};
    if (before != all.npos) {
      // It may be linked to components that are gone: then there is no way back.
      if (auto previous = parse(all.substr(before + 1 + kBefore.size())))
        kept.previous = std::move(previous->components);
    }
    return std::optional(std::move(kept));
  }

  Result<> store(const control::KeptState& state) {
    if (options_.memory == HostOptions::Memory::None) return {};
    return folder_.store(
        fmt::format("{}{}\n{}{}{}", kOfManifest, of_manifest_, control::to_yaml(state.desired),
                    kBefore, control::to_yaml({state.desired.name, state.previous, {}, {}, {}})));
  }

  // On the control loop.
  void stop_here() {
    if (std::exchange(stopping_, true)) return;
    asio::co_spawn(control_, shut_down(), [this](std::exception_ptr) {
      for (const auto& loop : loops_) loop->stop();
      control_.stop();
    });
  }
  Task<> shut_down() {
    server_.stop();
    ::close(listener_);
    // No more messages; those that were taken are handled, as requests are.
    if (auto retired = co_await subscriptions_.update({}))
      co_await subscriptions_.drain(std::move(*retired), kDrain);
    co_await watches_.end(watches_.retire({}), kDrain);
    co_await listeners_.stop(kDrain);
    co_await data_plane_.stop(kDrain);
  }

  const HostOptions options_;
  control::DesiredState desired_;
  control::StateFolder folder_;
  control::RevisionStore revisions_;
  int listener_;
  int status_ = kDone;
  bool stopping_ = false;
  std::string of_manifest_;
  control::LogRing log_;
  engine::Engine engine_;
  engine::FiberSupport fibers_;
  Loader loader_;
  // Event loops outlive the providers and the blocking pool, whose threads resume tasks on them.
  std::vector<std::unique_ptr<asio::io_context>> loops_;
  asio::io_context control_{1};
  BlockingPool blocking_;
  contracts::ProviderSet providers_;
  plugin::OpenPlugins plugins_;
  control::Deployer deployer_;
  host::DataPlane data_plane_;
  control::Subscriptions subscriptions_;
  control::Watches watches_;
  control::Listeners listeners_;
  control::Application application_;
  control::Commands commands_;
  control::ControlServer server_;
};

AppHost::AppHost(HostOptions options, control::DesiredState desired, control::StateFolder folder,
                 control::RevisionStore revisions, int listener)
    : body_(std::make_unique<Body>(std::move(options), std::move(desired), std::move(folder),
                                   std::move(revisions), listener)) {}
AppHost::~AppHost() = default;

int AppHost::run() { return body_->run(); }
void AppHost::stop() { body_->stop(); }
Executor AppHost::control() { return body_->control(); }
control::Application& AppHost::application() { return body_->application(); }

}  // namespace unbolt::cli
