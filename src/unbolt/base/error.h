// Errors as values: every failure that a caller can meet is a `Result`, and every code of one is
// listed here.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace unbolt {

// What kind of failure it was. The text and the HTTP status of each stand in error.cc.
enum class ErrorCode : std::uint8_t {
  Internal,          // a bug of ours
  InvalidArgument,   // a bad flag, URL or value given by the user
  InvalidFile,       // not a component, truncated, or it does not validate
  Unsupported,       // valid, but nothing here can do it; the message names it
  NotFound,          // a file, bucket or name that is not there
  Denied,            // no grant covers it
  Conflict,          // another type, port or owner is in the way
  Unavailable,       // a provider or peer that does not answer
  Timeout,           // a deadline passed
  Cancelled,         // the caller left
  LimitExceeded,     // memory, size, count or depth
  Trap,              // the guest trapped; its instance is gone
  ProtocolError,     // a peer broke its protocol
  ConnectionClosed,  // a peer left in the middle
  Io,                // the operating system said no
};

std::string_view to_string(ErrorCode code);
int http_status(ErrorCode code);

// `message` says what happened and why; `hint`, where there is one, what to do next.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string message;
  std::string hint;
  int system = 0;  // what the operating system said, as one of <cerrno>; 0 where it did not

  // Puts "what: " in front, for a caller that knows more than the one who failed.
  Error&& in(std::string_view what) && {
    message.insert(0, ": ").insert(0, what);
    return std::move(*this);
  }
  Error&& with_hint(std::string_view text) && {
    hint = text;
    return std::move(*this);
  }
};

template <class T = void>
using Result = std::expected<T, Error>;

// `return fail(ErrorCode::NotFound, "no file '{}'", path);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...), {}});
}

}  // namespace unbolt

// Leaves the function with the error of `expr`, or goes on.
#define UNBOLT_TRY(expr)                                      \
  do {                                                        \
    if (auto unbolt_try_ = (expr); !unbolt_try_)              \
      return std::unexpected(std::move(unbolt_try_).error()); \
  } while (false)

#define UNBOLT_CONCAT_(a, b) a##b
#define UNBOLT_CONCAT(a, b) UNBOLT_CONCAT_(a, b)
// `UNBOLT_ASSIGN(auto bytes, read_file(path));`: the value of the result, or leaves with its error.
#define UNBOLT_ASSIGN(decl, expr) \
  UNBOLT_ASSIGN_(UNBOLT_CONCAT(unbolt_assign_, __LINE__), decl, expr)
#define UNBOLT_ASSIGN_(tmp, decl, expr)                     \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
