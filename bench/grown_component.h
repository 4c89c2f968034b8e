// Components of any size, made in memory (Binary.md): what loading costs is measured over how much
// of one thing they hold.
#pragma once

#include <cstdint>

#include "unbolt/base/bytes.h"

namespace unbolt::bench {

// One core module with a memory and a data segment of so many bytes.
Bytes component_with_data(std::uint32_t size);
// One core module with so many functions, each lifted and exported by a name of its own.
Bytes component_with_functions(std::uint32_t count);
// One core module, so many instances of it, each importing a function of the one before.
Bytes component_with_instances(std::uint32_t count);

}  // namespace unbolt::bench
