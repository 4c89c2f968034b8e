#include <sys/random.h>

#include <random>
#include <tuple>

#include "unbolt/component/bind.h"
#include "unbolt/wasi/interfaces.h"

namespace unbolt::wasi {
namespace {

using component::Call;

// A guest that asks for more at a time is mistaken or hostile.
constexpr std::uint64_t kMaxBytes = 16u << 20;

Result<Bytes> system_random(std::uint64_t length) {
  if (length > kMaxBytes) {
    return fail(ErrorCode::LimitExceeded, "random: {} bytes asked for, at most {} at a time",
                length, kMaxBytes);
  }
  Bytes bytes(length);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = getrandom(bytes.data() + done, bytes.size() - done, 0);
    if (n < 0 && errno != EINTR) return fail(ErrorCode::Io, "the system has no random bytes");
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return bytes;
}
Result<std::uint64_t> system_random_u64() {
  std::uint64_t value;
  if (getrandom(&value, sizeof value, 0) != sizeof value)
    return fail(ErrorCode::Io, "the system has no random bytes");
  return value;
}

std::mt19937_64& insecure_generator() {
  thread_local std::mt19937_64 generator(std::random_device{}());
  return generator;
}

Result<Bytes> random_bytes(Call&, std::uint64_t length) { return system_random(length); }
Result<std::uint64_t> random_u64(Call&) { return system_random_u64(); }
Result<Bytes> insecure_bytes(Call&, std::uint64_t length) { return system_random(length); }
std::uint64_t insecure_u64(Call&) { return insecure_generator()(); }
// The same at each call, as if it were a value that is imported.
std::tuple<std::uint64_t, std::uint64_t> insecure_seed(Call&) {
  static const std::tuple seed(insecure_generator()(), insecure_generator()());
  return seed;
}

}  // namespace

void add_random(component::HostInterfaces& host) {
  host.add("wasi:random/random@0.2.12")
      .func<&random_bytes>("get-random-bytes")
      .func<&random_u64>("get-random-u64");
  host.add("wasi:random/insecure@0.2.12")
      .func<&insecure_bytes>("get-insecure-random-bytes")
      .func<&insecure_u64>("get-insecure-random-u64");
  host.add("wasi:random/insecure-seed@0.2.12").func<&insecure_seed>("insecure-seed");
}

}  // namespace unbolt::wasi
