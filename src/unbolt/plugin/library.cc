#include "unbolt/plugin/library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <exception>

#include "unbolt/component/strings.h"

namespace unbolt::plugin {
namespace {

constexpr std::size_t kMostWaiting = 100'000;
constexpr std::size_t kLongestText = 4096;  // of a message that a plug-in writes
constexpr unsigned kFewLines = 10;
constexpr std::string_view kHint =
    "build it with the headers of this program: unbolt/plugin/unbolt_plugin.hpp or unbolt_plugin.h";

// A plug-in's text, fit for one line of a log.
std::string shown(std::string_view text) {
  std::string line(text.substr(0, kLongestText));
  std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return component::to_valid_utf8(line);
}
std::string text_of(const unbolt_error& error) {
  const std::string text = shown({error.message, ::strnlen(error.message, sizeof error.message)});
  return text.empty() ? "it does not say why" : text;
}
std::string what(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return shown(e.what());
  } catch (...) {
    return "something that is no std::exception";
  }
}

// A copy in memory: the file may be written anew while it runs.
Result<int> copy_of(const std::string& path) {
  const int from = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (from < 0) {
    return fail(errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Io, "{}", std::strerror(errno));
  }
  struct Close {
    int file;
    ~Close() { ::close(file); }
  } const close{from};
  struct stat status;
  if (::fstat(from, &status) != 0 || !S_ISREG(status.st_mode))
    return fail(ErrorCode::InvalidFile, "it is no file");
  const int to = ::memfd_create("unbolt-plugin", MFD_CLOEXEC);
  if (to < 0) return fail(ErrorCode::Io, "no memory for it: {}", std::strerror(errno));
  char part[64 * 1024];
  while (true) {
    const auto got = ::read(from, part, sizeof part);
    if (got == 0) return to;
    if (got < 0 || ::write(to, part, static_cast<std::size_t>(got)) != got) {
      const int why = errno;
      ::close(to);
      return fail(ErrorCode::Io, "it cannot be read: {}", std::strerror(why));
    }
  }
}

// ---- The functions of unbolt_host

const HostSide& side(const unbolt_host* host) { return *static_cast<const HostSide*>(host); }

void host_log(const unbolt_host* host, std::int32_t level, const char* text, std::size_t length) {
  side(host).provider->log(level, {text, std::min(length, kLongestText)});
}
void* host_allocate(unbolt_call* call, std::size_t size, std::size_t alignment) {
  if (!std::has_single_bit(alignment) || alignment > 16) return nullptr;
  return call->arena.allocate(size, alignment);
}
unbolt_status host_fail(unbolt_call* call, const char* reason, std::size_t length) {
  call->failure = shown({reason, std::min(length, kLongestText)});
  return UNBOLT_FAILED;
}
std::uint64_t host_later(unbolt_call* call) {
  if (call->ticket) return 0;
  call->pending = std::make_shared<Pending>();
  call->pending->types = call->types;
  call->pending->result = call->result;
  return call->ticket = call->provider.wait_for(call->pending);
}
int host_complete(const unbolt_host* host, std::uint64_t ticket, const void* result) {
  return side(host).provider->complete(ticket, result);
}
int host_complete_failed(const unbolt_host* host, std::uint64_t ticket, const char* reason,
                         std::size_t length) {
  return side(host).provider->complete_failed(ticket, {reason, std::min(length, kLongestText)});
}

}  // namespace

// ---- Library

Result<std::shared_ptr<Library>> Library::load(const std::string& path) {
  std::shared_ptr<Library> library(new Library);
  library->path_ = path;
  auto done = [&]() -> Result<> {
    UNBOLT_ASSIGN(library->file_, copy_of(path));
    char magic[4] = {};
    if (::pread(library->file_, magic, 4, 0) != 4 || std::string_view(magic, 4) != "\177ELF") {
      return std::unexpected(Error{ErrorCode::InvalidFile, "it is no shared library",
                                   "compile it with: c++ -std=c++23 -shared -fPIC"});
    }
    // The loader tells libraries apart by name, so it stays open as long as the library is loaded.
    const std::string name = fmt::format("/proc/self/fd/{}", library->file_);
    library->handle_ = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library->handle_) {
      std::string why = shown(::dlerror());
      if (why.starts_with(name + ": ")) why.erase(0, name.size() + 2);
      return fail(ErrorCode::InvalidFile, "it cannot be loaded: {}", why);
    }
    using Entry = const unbolt_plugin* (*)();
    const auto entry = reinterpret_cast<Entry>(::dlsym(library->handle_, "unbolt_plugin_entry"));
    if (!entry) {
      return std::unexpected(Error{ErrorCode::InvalidFile,
                                   "it is no plug-in: it has no function unbolt_plugin_entry",
                                   std::string(kHint)});
    }
    const unbolt_plugin* plugin = nullptr;
    try {
      plugin = entry();
    } catch (...) {
      return fail(ErrorCode::Unavailable, "its unbolt_plugin_entry threw: {}",
                  what(std::current_exception()));
    }
    if (!plugin) return fail(ErrorCode::InvalidFile, "its unbolt_plugin_entry answers nothing");
    if (plugin->version != UNBOLT_PLUGIN_VERSION) {
      return std::unexpected(
          Error{ErrorCode::Unsupported,
                fmt::format("it is made for version {} of the plug-in interface, and this is {}",
                            plugin->version, UNBOLT_PLUGIN_VERSION),
                std::string(kHint)});
    }
    if (plugin->size < sizeof(unbolt_plugin) || !plugin->open || !plugin->close || !plugin->bind ||
        !plugin->name) {
      return std::unexpected(Error{ErrorCode::InvalidFile,
                                   fmt::format("it is incomplete: {} bytes where {} are expected, "
                                               "or a function is missing",
                                               plugin->size, sizeof(unbolt_plugin)),
                                   std::string(kHint)});
    }
    library->plugin_ = plugin;
    return {};
  }();
  if (!done) return std::unexpected(std::move(done).error().in("plug-in " + path));
  return library;
}

Library::~Library() {
  if (handle_) ::dlclose(handle_);
  if (file_ >= 0) ::close(file_);
}

std::string Library::name() const { return shown({plugin_->name, ::strnlen(plugin_->name, 100)}); }

// ---- Provider

Provider::Provider(std::shared_ptr<Library> library, Log& log)
    : host_{{.size = sizeof(unbolt_host),
             .version = UNBOLT_PLUGIN_VERSION,
             .log = host_log,
             .allocate = host_allocate,
             .fail = host_fail,
             .later = host_later,
             .complete = host_complete,
             .complete_failed = host_complete_failed},
            this},
      library_(std::move(library)),
      log_(log),
      name_(library_->name()) {}

Result<std::shared_ptr<Provider>> Provider::open(const std::string& path, const Options& options,
                                                 Log& log) {
  UNBOLT_ASSIGN(auto library, Library::load(path));
  std::shared_ptr<Provider> provider(new Provider(std::move(library), log));
  std::vector<unbolt_option> given;
  for (const auto& [name, value] : options) given.push_back({name.c_str(), value.c_str()});
  unbolt_error error{.size = sizeof(unbolt_error), .message = ""};
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::Unavailable, "plug-in {} ({}): {}", path, provider->name_, why);
  };
  try {
    if (provider->library_->plugin().open(&provider->host_, given.data(), given.size(),
                                          &provider->opened_, &error) != 0)
      return refused(fmt::format("its open failed: {}", text_of(error)));
  } catch (...) {
    return refused(fmt::format("its open threw: {}", what(std::current_exception())));
  }
  provider->is_open_ = true;
  return provider;
}

Provider::~Provider() {
  if (!is_open_) return;
  try {
    library_->plugin().close(opened_);
  } catch (...) {
    log_.line(LogLevel::Error, name_, "its close threw: {}", what(std::current_exception()));
  }
}

Result<unbolt_binding> Provider::bind(const std::string& interface, const std::string& function,
                                      const component::FuncType& type) const {
  unbolt_binding binding{.size = sizeof(unbolt_binding)};
  unbolt_error error{.size = sizeof(unbolt_error), .message = ""};
  const std::string signature = signature_of(type);
  try {
    if (library_->plugin().bind(opened_, interface.c_str(), function.c_str(), signature.c_str(),
                                &binding, &error) == 0 &&
        binding.function)
      return binding;
  } catch (...) {
    return fail(ErrorCode::Unavailable, "{}#{}: plug-in {} ({}): its bind threw: {}", interface,
                function, path(), name_, what(std::current_exception()));
  }
  return fail(ErrorCode::Conflict,
              "{}#{}: plug-in {} ({}) does not meet it: {}; the component imports it as {}",
              interface, function, path(), name_, text_of(error), signature);
}

std::uint64_t Provider::wait_for(std::shared_ptr<Pending> pending) {
  const std::lock_guard lock(mutex_);
  if (pending_.size() >= kMostWaiting) return 0;
  pending_.emplace(++last_ticket_, std::move(pending));
  return last_ticket_;
}

void Provider::forget(std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  pending_.erase(ticket);
}

std::size_t Provider::waiting() const {
  const std::lock_guard lock(mutex_);
  return pending_.size();
}

std::shared_ptr<Pending> Provider::take(std::uint64_t ticket) {
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    if (auto found = pending_.extract(ticket)) return std::move(found.mapped());
    tell = unexpected_++ < kFewLines;
  }
  if (tell) {
    log_.line(LogLevel::Warn, name_,
              "an answer that nobody waits for: to call {}, a second time or after its deadline",
              ticket);
  }
  return nullptr;
}

int Provider::complete(std::uint64_t ticket, const void* result) {
  const auto pending = take(ticket);
  if (!pending) return 0;
  Answer answer = std::nullopt;
  if (pending->result) {
    if (!result) {
      answer = fail(ErrorCode::InvalidArgument, "its result is null");
    } else if (auto value =
                   load_native(*pending->result, static_cast<const std::uint8_t*>(result))) {
      answer = std::move(*value);
    } else {
      answer = std::unexpected(std::move(value).error());
    }
  }
  {
    const std::lock_guard lock(pending->mutex);
    pending->answer = std::move(answer);
  }
  pending->wakeup->wake();
  return 1;
}

int Provider::complete_failed(std::uint64_t ticket, std::string_view reason) {
  const auto pending = take(ticket);
  if (!pending) return 0;
  {
    const std::lock_guard lock(pending->mutex);
    pending->answer = fail(ErrorCode::Unavailable, "{}", shown(reason));
  }
  pending->wakeup->wake();
  return 1;
}

void Provider::log(std::int32_t level, std::string_view text) const {
  const LogLevel as = level <= UNBOLT_DEBUG  ? LogLevel::Debug
                      : level == UNBOLT_INFO ? LogLevel::Info
                      : level == UNBOLT_WARN ? LogLevel::Warn
                                             : LogLevel::Error;
  if (log_.enabled(as)) log_.write(as, name_, shown(text));
}

}  // namespace unbolt::plugin
