// What was refused, for those who have to know.
#pragma once

#include <string>
#include <string_view>

namespace unbolt::contracts {

// A call that was not made.
struct Refusal {
  std::string_view component, revision;  // its name; the digest of its file, "" where nobody asked
  std::string_view contract, function;   // "wasi:keyvalue/store@0.2.0-draft", "bucket.get"
  std::string_view about;                // what the call was about: a bucket's name, …; may be ""
  std::string_view reason;
};

// Takes them down, bounded in number by itself. Thread-safe; does not wait.
class AuditLog {
 public:
  virtual ~AuditLog() = default;
  virtual void refused(const Refusal& refusal) noexcept = 0;
};

}  // namespace unbolt::contracts
