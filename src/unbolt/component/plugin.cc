#include "unbolt/component/plugin.h"

#include <boost/asio/co_spawn.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

namespace unbolt::component {
namespace {

// For the time that a guest of the host runs.
class Busy {
 public:
  explicit Busy(bool& flag) : flag_(flag) { flag_ = true; }
  ~Busy() { flag_ = false; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  bool& flag_;
};

Result<Bytes> read_all(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  Bytes bytes;
  std::uint8_t part[64 * 1024];
  while (const auto size = file ? std::fread(part, 1, sizeof part, file.get()) : 0)
    bytes.insert(bytes.end(), part, part + size);
  if (!file || std::ferror(file.get())) {
    return fail(file ? ErrorCode::Io : ErrorCode::NotFound, "{}: {}", path.string(),
                std::strerror(errno));
  }
  return bytes;
}

Task<> start_into(Instance& instance, std::optional<engine::Fault>& fault) {
  fault = co_await instance.start();
}

}  // namespace

// ---- PluginHost

PluginHost::PluginHost(PluginOptions options)
    : options_(std::move(options)), engine_(options_.engine), fibers_(engine_) {}

Result<Plugin> PluginHost::load(const std::filesystem::path& file) {
  UNBOLT_ASSIGN(Bytes bytes, read_all(file));
  auto plugin = load(std::move(bytes));
  if (!plugin) return std::unexpected(std::move(plugin).error().in(file.string()));
  return plugin;
}

Result<Plugin> PluginHost::load(Bytes bytes) {
  std::optional<engine::CompiledCache> cache;
  if (!options_.cache.empty()) {
    UNBOLT_ASSIGN(cache, engine::CompiledCache::open(options_.cache));
  }
  UNBOLT_ASSIGN(auto file, ComponentFile::load(std::move(bytes)));
  UNBOLT_ASSIGN(auto linked,
                LinkedComponent::link(std::move(file), engine_, interfaces_,
                                      CompileOptions{.cache = cache ? &*cache : nullptr}));
  return Plugin(*this, std::move(linked));
}

void PluginHost::run(Task<> task) {
  bool done = false;
  std::exception_ptr failure;
  asio::co_spawn(loop_, std::move(task), [&](std::exception_ptr thrown) {
    failure = thrown;
    done = true;
  });
  loop_.restart();
  while (!done) loop_.run_one();
  if (failure) std::rethrow_exception(failure);
}

// ---- Plugin

Plugin::Plugin(PluginHost& host, std::shared_ptr<const LinkedComponent> component)
    : host_(&host),
      component_(std::move(component)),
      names_(std::make_shared<const ExportNames>(component_->plan(), '.')) {}

Result<PluginInstance> Plugin::start(void* data) const {
  const engine::StoreLimits limits{host_->options_.memory_bytes};
  PluginInstance instance(*host_, names_,
                          std::make_unique<Instance>(component_, host_->fibers_, data, limits));
  UNBOLT_TRY(instance.start());
  return instance;
}

// ---- PluginInstance

Result<> PluginInstance::start() {
  if (host_->busy_)
    return fail(ErrorCode::Conflict, "a plug-in cannot be started from within a call");
  const Busy busy(host_->busy_);
  instance_->store().set_deadline(std::chrono::steady_clock::now() + host_->options_.timeout);
  std::optional<engine::Fault> fault;
  host_->run(start_into(*instance_, fault));
  if (fault) return std::unexpected(fault->to_error().in("the start"));
  return {};
}

Result<> PluginInstance::run(std::string_view function, engine::Store::Body& body) {
  if (host_->busy_)
    return fail(ErrorCode::Conflict, "{}: a plug-in cannot be called from within a call", function);
  if (over_) return fail(ErrorCode::Trap, "{}: a call failed before, which ended it", function);
  const Busy busy(host_->busy_);
  engine::Store& store = instance_->store();
  store.set_deadline(std::chrono::steady_clock::now() + host_->options_.timeout);
  if (!store.begin(body)) host_->run(store.settle());
  auto fault = store.take_fault();
  if (!fault) return {};
  over_ = true;
  return std::unexpected(fault->to_error().in(function));
}

}  // namespace unbolt::component
