// A conversation by telnet, as a component sees it: text in, text out.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "unbolt/base/reply.h"

namespace unbolt::contracts {

// The cases of unbolt:telnet/sessions, in their order.
enum class TelnetMode : std::uint8_t { Line, HiddenLine, Character };
enum class TelnetKey : std::uint8_t {
  Enter,
  Backspace,
  Tab,
  Escape,
  Up,
  Down,
  Left,
  Right,
  Home,
  End,
  PageUp,
  PageDown,
  Delete,
  Insert,
};
enum class TelnetEnd : std::uint8_t { HungUp, Idle, Flooded, Stalled, Stopping };
struct TelnetSize {
  std::uint16_t columns = 0, rows = 0;
  bool operator==(const TelnetSize&) const = default;
};

struct TelnetLine {
  std::string text;
  bool operator==(const TelnetLine&) const = default;
};
struct TelnetText {
  std::string text;
  bool operator==(const TelnetText&) const = default;
};
struct TelnetInterrupt {
  bool operator==(const TelnetInterrupt&) const = default;
};
struct TelnetElapsed {
  bool operator==(const TelnetElapsed&) const = default;
};
using TelnetEvent =
    std::variant<TelnetLine, TelnetText, TelnetKey, TelnetSize, TelnetInterrupt, TelnetElapsed>;

// One session, on its loop. Whoever serves it and the guest's handle share it; a guest that keeps
// its handle after the end is told of the end, again and again.
class TelnetSession {
 public:
  virtual ~TelnetSession() = default;

  virtual const std::string& peer() const = 0;
  virtual const std::string& terminal() const = 0;  // "": it did not tell
  virtual std::optional<TelnetSize> size() const = 0;
  virtual void set_mode(TelnetMode mode) = 0;

  // One at a time. Cancelling it loses nothing of what was typed.
  using Read = std::expected<TelnetEvent, TelnetEnd>;
  virtual Reply<Read> read(std::optional<std::chrono::milliseconds> patience) = 0;
  // `text` holds until the function returns. Waits where much is on its way already.
  using Written = std::expected<void, TelnetEnd>;
  virtual Reply<Written> write(std::string_view text) = 0;

  // No more is read or written; what was written is sent, in bounded time.
  virtual void close() = 0;
};

// What the guest's handle is.
struct TelnetHandle {
  std::shared_ptr<TelnetSession> session;
  ~TelnetHandle() {
    if (session) session->close();
  }
  explicit TelnetHandle(std::shared_ptr<TelnetSession> of) : session(std::move(of)) {}
  TelnetHandle(const TelnetHandle&) = delete;
  TelnetHandle& operator=(const TelnetHandle&) = delete;
};

}  // namespace unbolt::contracts
