#include "unbolt/telnet/protocol.h"

#include <algorithm>

namespace unbolt::telnet {
namespace {

// RFC 854.
constexpr std::uint8_t kSubEnd = 240, kBreak = 243, kInterrupt = 244, kAbort = 245,
                       kAreYouThere = 246, kEraseCharacter = 247, kEraseLine = 248, kSub = 250,
                       kWill = 251, kWont = 252, kDo = 253, kDont = 254, kCommand = 255;
constexpr std::uint8_t kEndOfFile = 236, kAbortProcess = 238;  // RFC 1184

// Options: RFC 856, 857, 858, 1091, 1073, 1184.
constexpr std::uint8_t kBinary = 0, kEcho = 1, kGoAhead = 3, kTerminalType = 24, kWindow = 31,
                       kLineMode = 34;

constexpr std::size_t kLongestSub = 512;
constexpr std::size_t kLongestName = 40;  // RFC 1091

// Within LINEMODE: the mode, whose edits are the client's, and which keys become commands.
constexpr char kLineModeMode = 1, kEdit = 1, kTrapSignals = 2;

}  // namespace

Protocol::Option* Protocol::find(Side side, std::uint8_t option) {
  const bool ours = side == Side::Ours;
  switch (option) {
    case kBinary: return ours ? &our_binary_ : &their_binary_;
    case kEcho: return ours ? &echo_ : nullptr;
    case kGoAhead: return ours ? &our_go_ahead_ : &their_go_ahead_;
    case kTerminalType: return ours ? nullptr : &type_;
    case kWindow: return ours ? nullptr : &window_;
    case kLineMode: return ours ? nullptr : &line_mode_;
    default: return nullptr;
  }
}

void Protocol::say(std::uint8_t verb, std::uint8_t option) {
  answers_ += {static_cast<char>(kCommand), static_cast<char>(verb), static_cast<char>(option)};
}

void Protocol::want(Side side, std::uint8_t option, bool on) {
  Option& of = *find(side, option);
  of.wanted = on;
  using enum Option::State;
  if (of.state == (on ? Off : On) && !(on && of.refused)) {
    of.state = on ? AskedOn : AskedOff;
    const bool ours = side == Side::Ours;
    say(on ? (ours ? kWill : kDo) : (ours ? kWont : kDont), option);
  }
}

void Protocol::told(Side side, std::uint8_t option, bool on) {
  using enum Option::State;
  const bool ours = side == Side::Ours;
  const std::uint8_t yes = ours ? kWill : kDo, no = ours ? kWont : kDont;
  Option* of = find(side, option);
  if (!of) {
    if (on) say(no, option);
    return;
  }
  switch (of->state) {
    case Off:
      if (!on) return;
      // Binary and go-ahead harm nobody; echo and line mode are on when this side says so.
      if (of->wanted || option == kBinary || option == kGoAhead) {
        of->state = On;
        of->refused = false;
        say(yes, option);
        turned_on(side, option);
      } else {
        say(no, option);
      }
      return;
    case On:
      if (on) return;
      of->state = Off;
      of->refused = true;
      say(no, option);
      return;
    case AskedOn:
      of->state = on ? On : Off;
      of->refused = !on;
      if (!on) return;
      turned_on(side, option);
      if (!of->wanted) want(side, option, false);
      return;
    case AskedOff:
      // Also a "yes" is an answer to an earlier question, or a fault: it is off.
      of->state = Off;
      if (of->wanted) want(side, option, true);
      return;
  }
}

void Protocol::turned_on(Side side, std::uint8_t option) {
  if (side == Side::Ours) return;
  if (option == kTerminalType) {
    say(kSub, kTerminalType);
    answers_ += {1, static_cast<char>(kCommand), static_cast<char>(kSubEnd)};
  } else if (option == kLineMode) {
    send_line_mode();
  }
}

void Protocol::send_line_mode() {
  const char mode = mode_ == Mode::Character ? 0 : kEdit | kTrapSignals;
  say(kSub, kLineMode);
  answers_ += {kLineModeMode, mode, static_cast<char>(kCommand), static_cast<char>(kSubEnd)};
}

void Protocol::begin() {
  want(Side::Theirs, kWindow, true);
  want(Side::Theirs, kTerminalType, true);
  want(Side::Theirs, kLineMode, true);
}

void Protocol::set_mode(Mode mode) {
  if (mode == mode_) return;
  mode_ = mode;
  // Who is told that this side shows what is typed shows nothing itself.
  want(Side::Ours, kEcho, mode != Mode::Line);
  // Without go-aheads, clients send each character (RFC 858, and habit).
  want(Side::Ours, kGoAhead, mode == Mode::Character);
  if (line_mode_.state == Option::State::On) send_line_mode();
}

void Protocol::command(std::uint8_t code) {
  switch (code) {
    case kBreak:
    case kInterrupt:
    case kAbort:
    case kAbortProcess: return receiver_.interrupted();
    case kAreYouThere: answers_ += "\r\n[yes]\r\n"; return;
    case kEraseCharacter: return receiver_.erased_character();
    case kEraseLine: return receiver_.erased_line();
    case kEndOfFile: {
      const std::uint8_t end = 4;
      return receiver_.data({&end, 1});
    }
    default: return;  // no-operation, data mark, go-ahead, and what nobody knows
  }
}

void Protocol::subnegotiated() {
  if (sub_.empty()) return;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(sub_[i]); };
  if (byte(0) == kWindow && sub_.size() == 5 && window_.state == Option::State::On) {
    receiver_.resized({static_cast<std::uint16_t>(byte(1) << 8 | byte(2)),
                       static_cast<std::uint16_t>(byte(3) << 8 | byte(4))});
  } else if (byte(0) == kTerminalType && sub_.size() > 2 && sub_.size() <= 2 + kLongestName &&
             byte(1) == 0 && type_.state == Option::State::On) {
    std::string name = sub_.substr(2);
    const auto is_plain = [](char c) { return c > ' ' && c < 127; };
    if (!std::ranges::all_of(name, is_plain)) return;
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    receiver_.terminal(std::move(name));
  }
  // LINEMODE's list of special characters, its acknowledged modes and forward masks change nothing.
}

void Protocol::take(ByteView bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const std::uint8_t byte = bytes[i];
    switch (reading_) {
      case Reading::Data: {
        if (byte == kCommand) {
          reading_ = Reading::Command;
          ++i;
          break;
        }
        const auto rest = bytes.subspan(i);
        const auto length =
            static_cast<std::size_t>(std::ranges::find(rest, kCommand) - rest.begin());
        receiver_.data(rest.first(length));
        i += length;
        break;
      }
      case Reading::Command:
        ++i;
        if (byte == kCommand) {
          receiver_.data({&byte, 1});
          reading_ = Reading::Data;
          break;
        }
        ++commands_;
        if (byte >= kWill && byte <= kDont) {
          verb_ = byte;
          reading_ = Reading::Negotiation;
        } else if (byte == kSub) {
          sub_.clear();
          reading_ = Reading::Sub;
        } else {
          reading_ = Reading::Data;
          command(byte);
        }
        break;
      case Reading::Negotiation:
        ++i;
        reading_ = Reading::Data;
        told(verb_ == kWill || verb_ == kWont ? Side::Theirs : Side::Ours, byte,
             verb_ == kWill || verb_ == kDo);
        break;
      case Reading::Sub:
        ++i;
        if (byte == kCommand) {
          reading_ = Reading::SubCommand;
        } else {
          // What is too long is read to its end and counts as a command each time it is.
          if (sub_.size() < kLongestSub) {
            sub_ += static_cast<char>(byte);
          } else {
            ++commands_;
          }
        }
        break;
      case Reading::SubCommand:
        if (byte == kCommand) {
          ++i;
          if (sub_.size() < kLongestSub) sub_ += static_cast<char>(byte);
          reading_ = Reading::Sub;
        } else if (byte == kSubEnd) {
          ++i;
          reading_ = Reading::Data;
          subnegotiated();
        } else {
          reading_ = Reading::Command;  // it was never ended: what comes is a command of its own
        }
        break;
    }
  }
}

void Protocol::encode(std::string_view text, std::string& out) {
  bool after_return = false;
  for (const char c : text) {
    if (c == '\n') {
      out += after_return ? "\n" : "\r\n";
    } else {
      if (after_return) out += '\0';
      if (static_cast<std::uint8_t>(c) == kCommand) out += c;
      out += c;
    }
    after_return = c == '\r';
  }
  if (after_return) out += '\0';
}

}  // namespace unbolt::telnet
