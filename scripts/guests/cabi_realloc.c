// What a host calls to place bytes in a guest's memory, for programs whose language brings none.
#include <stdlib.h>

void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  (void)old_size;
  if (size == 0) return (void *)alignment;
  void *memory = old ? realloc(old, size) : aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == NULL) __builtin_trap();
  return memory;
}
