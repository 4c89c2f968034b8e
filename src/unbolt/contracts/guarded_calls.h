// What grants can tell apart in the contracts of the host: which functions read, which write, and
// what each call is about.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace unbolt::contracts {

// A function of an interface, taken apart. Views of what it was made from.
struct CallName {
  std::string_view package;    // "wasi:keyvalue"
  std::string_view interface;  // "wasi:keyvalue/store"
  std::string_view resource;   // "bucket"; "" for a function of none
  std::string_view function;   // "get"
  bool operator==(const CallName&) const = default;
};
// Of an import's names, as `wasi:keyvalue/store@0.2.0-draft` and `[method]bucket.get`.
CallName call_name(std::string_view interface_name, std::string_view function);

struct GuardedCall {
  std::string_view interface, resource, function;
  // What a grant has to cover. Opening does nothing yet: any grant of the contract is enough that
  // is about the same thing.
  enum class Effect : std::uint8_t { Open, Read, Write, ReadAndWrite } effect;
  // Where the call says what it is about: nowhere, or about all there is; in a parameter, its
  // string or the first field that is one (in two: copying from and to); or a handle, its first
  // parameter.
  enum class About : std::uint8_t { All, Parameter, TwoParameters, Handle } about;
  std::string_view kind;  // of the patterns: "bucket"
};
// Null where nothing is known of it but its name.
const GuardedCall* find_guarded(const CallName& call);

// Whether the contract is one whose functions either read or write.
bool tells_reading_from_writing(std::string_view package);
// Interfaces that need no grant: they reach nothing of themselves. A grant that names the interface
// is about its functions all the same.
bool is_plumbing(const CallName& call);
// Contracts that need no grant at all.
bool needs_no_grant(std::string_view package);
// Contracts that answer for themselves where nothing is granted, in words of their own (no folders,
// no variables, no hosts): what is claimed bounds what the operator grants (claimed_grants.h).
bool answers_for_itself(std::string_view package);

}  // namespace unbolt::contracts
