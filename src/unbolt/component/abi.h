// The canonical ABI by C++ type (CanonicalABI.md, "Loading", "Storing", "Flat Lifting", "Flat
// Lowering").
//
//   WIT                         C++, coming in             C++, going out
//   bool, s8…u64, f32, f64      bool, intN_t, float, …     the same
//   char                        char32_t                   the same
//   string                      std::string_view           std::string_view, std::string
//   list<u8>, list<number>      std::span<const T>         std::span<const T>, std::vector<T>
//   list<T>                     std::vector<T>             std::vector<T>
//   list<T, N>                  std::array<T, N>           the same
//   map<K, V>                   std::vector<std::pair<K, V>>   the same
//   option<T>                   std::optional<T>           the same
//   result<T, E>                std::expected<T, E>        the same (void: no payload;
//   std::monostate for E: none) tuple<…>                    std::tuple<…>              the same
//   record                      an aggregate, field by field
//   variant                     std::variant<…>            the same (std::monostate: no payload)
//   enum, flags                 an enum class with kEnumCases / kFlagBits
//   own<T>, borrow<T>           Own<T>, Borrow<T>          Own<T>
//
// Views end at the next call into the guest or wait.
#pragma once

#include "unbolt/component/abi_records.h"
#include "unbolt/component/abi_values.h"
#include "unbolt/component/abi_variants.h"
