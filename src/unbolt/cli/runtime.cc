#include "unbolt/cli/runtime.h"

#include <unistd.h>

#include <algorithm>

#include "unbolt/cli/component_file.h"
#include "unbolt/cli/providers.h"
#include "unbolt/contracts/plugin_url.h"
#include "unbolt/host/environment.h"
#include "unbolt/host/plugin_link.h"
#include "unbolt/plugin/open_plugins.h"
#include "unbolt/providers/secrets_sources/secrets_sources.h"

namespace unbolt::cli {
namespace {

constexpr std::size_t kBlockingThreads = 8;

}  // namespace

Runtime::Runtime(Settings settings, const RunOptions& options)
    : log_(stderr_log()),
      audit_(log_),
      settings_(std::move(settings)),
      engine_(engine::EngineOptions{.max_instances = options.max_instances}),
      fibers_(engine_) {
  if (options.max_instances > 0 && engine_.pool_size() < options.max_instances) {
    log_.line(LogLevel::Warn, "engine",
              "this machine's limits (mappings, address space) allow {}; {} were asked for",
              engine_.pool_size() ? fmt::format("{} pooled instances", engine_.pool_size())
                                  : "no pool of instances",
              options.max_instances);
  }
  served_.limits.memory_bytes = std::uint64_t{options.max_memory} << 20;
  served_.limits.instances =
      engine_.pool_size() ? engine_.pool_size() : std::max(1u, options.max_instances);
}

Result<std::unique_ptr<Runtime>> Runtime::load(const RunOptions& options) {
  UNBOLT_ASSIGN(auto settings, read_settings(options));
  std::unique_ptr<Runtime> runtime(new Runtime(std::move(settings), options));
  const auto cache = engine::CompiledCache::open(engine::CompiledCache::default_folder());
  if (!cache) {
    runtime->log_.line(LogLevel::Warn, "engine", "compiled code is not cached: {}",
                       cache.error().message);
  }
  const auto* cache_or_null = cache ? &*cache : nullptr;
  if (!options.admission.audit_log.empty())
    UNBOLT_TRY(runtime->audit_.open(options.admission.audit_log));
  UNBOLT_ASSIGN(const auto admitted,
                open_component(options.file, options.file, runtime->settings_.admission,
                               runtime->engine_, cache_or_null));
  const auto& file = admitted.file;
  runtime->claims_ = admitted.claims;
  if (!admitted.claims) runtime->unclaimed_ = unclaimed_line(admitted);
  if (const auto line = not_granted_line(admitted); !line.empty())
    runtime->log_.line(LogLevel::Warn, component_name(options.file), "{}", line);
  runtime->offered_ = host_interfaces(file->plan());
  for (const auto& [contract, url] : runtime->settings_.plugins)
    runtime->to_plugins_.emplace(contract, host::LinkTo{"plugin", url.shown(), nullptr});
  if (auto linked = host::link_components(file, runtime->to_plugins_, runtime->interfaces_);
      !linked)
    return std::unexpected(std::move(linked).error().in(options.file));
  UNBOLT_ASSIGN(runtime->served_.component, link_component(options.file, admitted, runtime->engine_,
                                                           runtime->interfaces_, cache_or_null));
  runtime->served_.name = component_name(options.file);
  runtime->served_.audit = &runtime->audit_;
  return runtime;
}

Result<> Runtime::provide(const RunOptions& options, Use use) {
  const bool serves = use == Use::Server;
  // A command's stderr is its own, but where somebody looks on.
  if (!unclaimed_.empty() && (serves || ::isatty(STDERR_FILENO)))
    log_.line(LogLevel::Info, served_.name, "{}", unclaimed_);
  for (unsigned i = 0; i < (serves ? settings_.threads : 1); ++i)
    loops_.push_back(std::make_unique<asio::io_context>(1));
  blocking_.emplace(kBlockingThreads);
  contracts::ProviderSet providers(provider_tables(), {log_, *blocking_});
  for (const auto& [contract, url] : settings_.links) {
    if (!claims_) break;
    if (auto granted = claims_->check_role(contract, url); !granted)
      return std::unexpected(std::move(granted).error().in("--link " + contract));
  }
  UNBOLT_ASSIGN(served_.links, open_links(settings_, providers, log_));
  plugin::OpenPlugins plugins(plugin_probe(), log_);
  host::Providers opened;
  for (const auto& [contract, url] : settings_.plugins) {
    UNBOLT_ASSIGN(const auto named, contracts::plugin_of(url));
    auto provider = plugins.open(named.path, named.options);
    if (!provider) return std::unexpected(std::move(provider).error().in("--link " + contract));
    opened.emplace(contract, std::move(*provider));
  }
  UNBOLT_ASSIGN(served_.links.plugins,
                host::bind_plugins(served_.component->plan(), to_plugins_, opened));
  auto secrets = providers::make_secrets(std::move(settings_.secrets), {log_, *blocking_});
  if (!secrets) return std::unexpected(std::move(secrets).error().in("--secret"));
  served_.links.secrets = std::move(*secrets);
  auto environment =
      host::make_environment(claims_ ? claims_->within(settings_.grants) : settings_.grants,
                             serves ? Blocking::on(*blocking_) : Blocking::here());
  if (!environment) return std::unexpected(std::move(environment).error().in("--dir"));
  served_.environment = std::move(*environment);
  served_.environment.arguments = options.arguments;
  return {};
}

void set_deadline(host::LiveInstance& instance, const RunOptions& options) {
  if (!options.timeout) return;
  const auto allowed = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(*options.timeout));
  instance.instance().store().set_deadline(std::chrono::steady_clock::now() + allowed);
}

}  // namespace unbolt::cli
