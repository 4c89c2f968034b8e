// What the C++ library calls when it is out of memory or would throw: a trap, which the host reports with the place. Its own
// versions print first, and would make the component import files and clocks.
#include <cstdlib>
#include <new>
#include <string>

void* operator new(std::size_t size) {
  void* bytes = std::malloc(size);
  if (bytes == nullptr) __builtin_trap();
  return bytes;
}
void operator delete(void* bytes) noexcept { std::free(bytes); }
void operator delete(void* bytes, std::size_t) noexcept { std::free(bytes); }

void std::__libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }
