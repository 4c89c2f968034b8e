#include "unbolt/providers/pins_gpio/library.h"

#include <dlfcn.h>

#include <string>
#include <type_traits>

namespace unbolt::providers::gpio {
namespace {

struct Loaded {
  Library library;
  std::string failure;  // empty where it is there

  Loaded() {
    void* handle = ::dlopen("libgpiod.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      failure = ::dlerror();
      return;
    }
    auto find = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
      if (!function && failure.empty()) failure = std::string("it has no function ") + name;
    };
#define UNBOLT_GPIOD_FIND(name) find(library.name, #name);
    UNBOLT_GPIOD_FUNCTIONS(UNBOLT_GPIOD_FIND)
#undef UNBOLT_GPIOD_FIND
  }
};

}  // namespace

Result<const Library*> Library::load() {
  static const Loaded once;
  if (once.failure.empty()) return &once.library;
  return std::unexpected(Error{ErrorCode::Unsupported,
                               fmt::format("libgpiod cannot be loaded: {}", once.failure),
                               "install it: apt-get install libgpiod2"});
}

}  // namespace unbolt::providers::gpio
