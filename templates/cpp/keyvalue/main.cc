// Counts the visits of each path in a key-value store. Edit it while `unbolt dev` runs: the counts stay.
#include <optional>

#include "http.h"

namespace {

std::optional<uint64_t> count(const std::string& path) {
  app_string_t name = lend("default"), key = lend(path);
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  uint64_t visits = 0;
  bool good = wasi_keyvalue_store_open(&name, &bucket, &error);
  if (good) {
    good = wasi_keyvalue_atomics_increment(wasi_keyvalue_store_borrow_bucket(bucket), &key, 1,
                                           &visits, &error);
    wasi_keyvalue_store_bucket_drop_own(bucket);
  }
  if (good) return visits;
  wasi_keyvalue_store_error_free(&error);
  return std::nullopt;
}

}  // namespace

Response handle(const Request& request) {
  const auto visits = count(request.path);
  if (!visits) return {503, "the store does not answer\n"};
  return {200, request.path + " was visited " + std::to_string(*visits) + " times\n"};
}
