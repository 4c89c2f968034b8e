// How the program's allocator treats what is freed.
#pragma once

namespace unbolt::cli {

// Once, before there are threads: memory up to tens of MiB stays with the process instead of going
// back to the kernel at once. An instance of a component with thousands of functions takes hundreds
// of KiB for its tables; given back and mapped anew for each request, that was a quarter of what
// such an instance costs.
void keep_freed_memory();

}  // namespace unbolt::cli
