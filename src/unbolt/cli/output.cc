#include "unbolt/cli/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "unbolt/contracts/text.h"

namespace unbolt::cli {
namespace {

constexpr off_t kLargestFile = 512ll << 20;

// Messages carry names from files that nobody has vouched for.
void print_error(std::string_view message, std::string_view hint) {
  std::string text;
  for (std::size_t start = 0; start <= message.size();) {
    const auto end = std::min(message.find('\n', start), message.size());
    text += contracts::printable(message.substr(start, end - start), 4096);
    text += '\n';
    start = end + 1;
  }
  std::fprintf(stderr, "error: %s", text.c_str());
  if (!hint.empty()) std::fprintf(stderr, "  %.*s\n", static_cast<int>(hint.size()), hint.data());
}

}  // namespace

int report(const Error& error) {
  print_error(error.message, error.hint);
  return error.code == ErrorCode::InvalidArgument ? kBadUsage : kFailed;
}

int usage_error(std::string_view message) {
  print_error(message, "see unbolt --help");
  return kBadUsage;
}

std::pair<std::vector<std::string>, std::vector<std::string>> split_arguments(int argc,
                                                                              char** argv) {
  std::pair<std::vector<std::string>, std::vector<std::string>> split;
  int i = 1;
  for (; i < argc && std::string_view(argv[i]) != "--"; ++i) split.first.emplace_back(argv[i]);
  for (++i; i < argc; ++i) split.second.emplace_back(argv[i]);
  std::reverse(split.first.begin(), split.first.end());
  return split;
}

Result<Bytes> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail(errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Io, "cannot read '{}': {}", path,
                std::strerror(errno));
  }
  struct stat info{};
  fstat(fd, &info);
  if (!S_ISREG(info.st_mode) || info.st_size > kLargestFile) {
    ::close(fd);
    return fail(ErrorCode::InvalidFile, "cannot read '{}': {}", path,
                S_ISREG(info.st_mode)   ? "larger than 512 MiB"
                : S_ISDIR(info.st_mode) ? "it is a folder"
                                        : "it is no file");
  }
  Bytes bytes(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  ::close(fd);
  bytes.resize(done);
  return bytes;
}

}  // namespace unbolt::cli
