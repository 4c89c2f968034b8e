#include "unbolt/postgres/library.h"

#include <dlfcn.h>

#include <string>

namespace unbolt::postgres {
namespace {

struct Loaded {
  Library library;
  std::string failure;  // empty where it is there

  Loaded() {
    // Never closed: it keeps state of its own in the process.
    void* handle = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      failure = ::dlerror();
      return;
    }
    auto find = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
      if (!function && failure.empty()) failure = std::string("it has no function ") + name;
    };
#define UNBOLT_PQ_FIND(name) find(library.name, #name);
    UNBOLT_PQ_FUNCTIONS(UNBOLT_PQ_FIND)
#undef UNBOLT_PQ_FIND
  }
};

const Loaded& loaded() {
  static const Loaded once;
  return once;
}

}  // namespace

Result<const Library*> Library::load() {
  if (loaded().failure.empty()) return &loaded().library;
  return std::unexpected(
      Error{ErrorCode::Unsupported,
            fmt::format("PostgreSQL's client library cannot be loaded: {}", loaded().failure),
            "install it: apt-get install libpq5"});
}

const Library& pq() { return loaded().library; }

}  // namespace unbolt::postgres
