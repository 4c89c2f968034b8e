#include "unbolt/providers/secrets_sources/secrets_sources.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "unbolt/component/strings.h"
#include "unbolt/contracts/text.h"

namespace unbolt::providers {
namespace {

using contracts::Secret;
using contracts::SecretLimits;
using contracts::Secrets;

using SharedSecret = std::shared_ptr<const Secret>;

SharedSecret make_secret(std::string_view text) {
  return std::make_shared<const Secret>(to_bytes(as_bytes(text)));
}

// What a read left behind goes, too.
struct Buffer {
  Bytes bytes = Bytes(SecretLimits::kValue + 2);
  ~Buffer() { contracts::wipe(bytes); }
};

// A file, and the value it had last.
class FileSource {
 public:
  FileSource(std::string name, std::string path, Log& log)
      : name_(std::move(name)), path_(std::move(path)), log_(log) {}

  // Blocks. Errors name the file: they are not for guests.
  Result<SharedSecret> read() {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return failed(errno);
    struct stat info{};
    Buffer buffer;
    std::size_t size = 0;
    const int why = ::fstat(file, &info) != 0 ? errno : fill(file, buffer.bytes, size);
    ::close(file);
    if (why != 0) return failed(why);
    if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode))
      return fail(ErrorCode::Io, "'{}' is not a file", path_);
    ByteView value(buffer.bytes.data(), size);
    if (component::valid_utf8(value) && !value.empty() && value.back() == '\n')
      value = value.first(value.size() - 1);
    if (value.size() > SecretLimits::kValue) {
      return fail(ErrorCode::LimitExceeded, "'{}' is longer than {} bytes", path_,
                  SecretLimits::kValue);
    }
    const std::lock_guard lock(mutex_);
    if (!std::exchange(warned_, (info.st_mode & 077) != 0) && warned_) {
      log_.line(LogLevel::Warn, "secrets",
                "others than its owner may read or write '{}', which holds the secret {}: "
                "chmod 600 it",
                path_, name_);
    }
    if (!last_ || !std::ranges::equal(last_->value(), value))
      last_ = std::make_shared<const Secret>(to_bytes(value));
    return last_;
  }

  // The same for a guest: where the secret is does not concern it.
  Result<SharedSecret> read_for_guest() {
    auto value = read();
    if (value) return value;
    log_.line(LogLevel::Warn, "secrets", "the secret {} cannot be read: {}", name_,
              value.error().message);
    return fail(ErrorCode::Io, "the secret '{}' cannot be read", name_);
  }

 private:
  std::unexpected<Error> failed(int why) const {
    return fail(why == ENOENT || why == ENOTDIR ? ErrorCode::NotFound : ErrorCode::Io,
                "'{}' cannot be read: {}", path_, std::strerror(why));
  }
  // 0, or what the system said.
  static int fill(int file, Bytes& bytes, std::size_t& size) {
    while (size < bytes.size()) {
      const auto count = ::read(file, bytes.data() + size, bytes.size() - size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno;
      if (count == 0) return 0;
      size += static_cast<std::size_t>(count);
    }
    return 0;
  }

  const std::string name_, path_;
  Log& log_;
  std::mutex mutex_;
  SharedSecret last_;
  bool warned_ = false;
};

struct Source {
  SharedSecret value;                // of one that does not change
  std::shared_ptr<FileSource> file;  // else
};

Task<Result<SharedSecret>> read_later(std::shared_ptr<FileSource> file, BlockingPool& blocking) {
  co_return co_await blocking.run([&] { return file->read_for_guest(); });
}

class SecretsFromSources final : public Secrets {
 public:
  SecretsFromSources(std::map<std::string, Source, std::less<>> sources, BlockingPool& blocking)
      : sources_(std::move(sources)), blocking_(blocking) {}

  Reply<Result<SharedSecret>> get(std::string_view name) override {
    const auto found = sources_.find(name);
    if (found == sources_.end()) return Result<SharedSecret>(nullptr);
    if (found->second.value) return Result<SharedSecret>(found->second.value);
    return read_later(found->second.file, blocking_);
  }

 private:
  const std::map<std::string, Source, std::less<>> sources_;
  BlockingPool& blocking_;
};

Result<Source> open_source(const std::string& name, std::string_view text,
                           const contracts::ProviderContext& context) {
  constexpr std::string_view kEnv = "env:", kFile = "file:", kValue = "value:";
  if (text.starts_with(kValue)) return Source{make_secret(text.substr(kValue.size())), nullptr};
  if (text.starts_with(kEnv)) {
    const std::string variable(text.substr(kEnv.size()));
    const char* value = std::getenv(variable.c_str());
    if (!value) {
      return fail(ErrorCode::NotFound, "the environment variable '{}' is not set",
                  contracts::printable(variable, 100));
    }
    return Source{make_secret(value), nullptr};
  }
  if (text.starts_with(kFile) && text.size() > kFile.size()) {
    auto file =
        std::make_shared<FileSource>(name, std::string(text.substr(kFile.size())), context.log);
    UNBOLT_TRY(file->read());
    return Source{nullptr, std::move(file)};
  }
  // Not the text: it may be the secret itself.
  return std::unexpected(Error{ErrorCode::InvalidArgument, "it is not said where it comes from",
                               "write env:VARIABLE, file:PATH, or value:TEXT for the text itself"});
}

}  // namespace

Result<std::shared_ptr<Secrets>> make_secrets(std::map<std::string, std::string> sources,
                                              const contracts::ProviderContext& context) {
  std::map<std::string, Source, std::less<>> opened;
  std::optional<Error> wrong;
  for (auto& [name, text] : sources) {
    auto source = open_source(name, text, context);
    if (!source && !wrong) {
      wrong = std::move(source).error().in(
          fmt::format("the secret '{}'", contracts::printable(name, 100)));
    } else if (source) {
      opened.emplace(name, std::move(*source));
    }
    contracts::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  }
  if (wrong) return std::unexpected(std::move(*wrong));
  return std::make_shared<SecretsFromSources>(std::move(opened), context.blocking);
}

}  // namespace unbolt::providers
