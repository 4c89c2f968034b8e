// Values as a plug-in sees them (unbolt_plugin.h): canonical ABI with 64-bit addresses, in the
// host's own memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/component/types.h"
#include "unbolt/component/value.h"

namespace unbolt::plugin {

// Memory of one call, freed with it. What is small costs no allocation.
class Arena {
 public:
  static constexpr std::size_t kMost = 64u << 20;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  // Null where there is no more. `alignment` is a power of two, at most 16.
  void* allocate(std::size_t size, std::size_t alignment);

 private:
  alignas(16) std::array<std::byte, 512> first_;  // not zeroed: it is written before it is read
  std::byte* next_ = first_.data();
  std::size_t left_ = first_.size();
  std::size_t all_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
};

// As `unbolt_plugin::bind` gets it.
std::string signature_of(const component::FuncType& type);

// Writes a value of the type at `at`. LimitExceeded where it is too large for a call. The strings
// and bytes of the value are pointed to.
Result<> store_native(const component::Type& type, const component::Value& value, std::uint8_t* at,
                      Arena& arena);

// Reads what a plug-in wrote, which has to be a value of the type: text that is UTF-8, cases that
// there are, lengths that a component can be given. InvalidArgument says what it is not. Addresses
// are trusted.
Result<component::Value> load_native(const component::Type& type, const std::uint8_t* at);

// Whether values of the type are one core value without memory: numbers, bool, char, enums, flags.
bool is_scalar(const component::Type& type);
// Between a core value and memory; false where it is no value of the type.
bool store_scalar(const component::Type& type, std::uint64_t bits, std::uint8_t* at);
bool load_scalar(const component::Type& type, const std::uint8_t* at, std::uint64_t& bits);

}  // namespace unbolt::plugin
