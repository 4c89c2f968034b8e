// The telnet protocol of the side that serves: commands and options out of the bytes (RFC 854, 855,
// 1143). Pure: bytes in, data and answers out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "unbolt/base/bytes.h"
#include "unbolt/contracts/telnet.h"

namespace unbolt::telnet {

using Mode = contracts::TelnetMode;
using Size = contracts::TelnetSize;

// Where what the protocol finds goes. Called within `Protocol::take`, in the order of the bytes.
class Receiver {
 public:
  virtual void data(ByteView bytes) = 0;
  virtual void resized(Size size) = 0;
  virtual void interrupted() = 0;  // interrupt process, break, abort
  virtual void erased_character() = 0;
  virtual void erased_line() = 0;
  virtual void terminal(std::string name) = 0;

 protected:
  ~Receiver() = default;
};

// One session's. Both sides begin with every option off; those that this side wants it asks for
// once, and it answers no request that changes nothing, so that two of its kind come to rest.
class Protocol {
 public:
  explicit Protocol(Receiver& receiver) : receiver_(receiver) {}

  // The first words: which options this side would like.
  void begin();
  // Any bytes, cut anywhere.
  void take(ByteView bytes);
  // Who edits lines and who shows them.
  void set_mode(Mode mode);

  // What is to be sent to the client; the caller takes it.
  std::string& answers() { return answers_; }
  // Commands that came so far.
  std::uint64_t commands() const { return commands_; }

  // Text for the client: line ends and the byte 255 as the protocol has them.
  static void encode(std::string_view text, std::string& out);

 private:
  // One option of one side (RFC 1143's states; its queue is empty here, as `want` says it).
  struct Option {
    enum class State : std::uint8_t { Off, On, AskedOn, AskedOff };
    State state = State::Off;
    bool wanted = false;
    bool refused = false;  // it is asked for once
  };
  enum class Side : std::uint8_t { Ours, Theirs };
  enum class Reading : std::uint8_t { Data, Command, Negotiation, Sub, SubCommand };

  Option* find(Side side, std::uint8_t option);
  void want(Side side, std::uint8_t option, bool on);
  void told(Side side, std::uint8_t option, bool on);
  void turned_on(Side side, std::uint8_t option);
  void command(std::uint8_t code);
  void subnegotiated();
  void say(std::uint8_t verb, std::uint8_t option);
  void send_line_mode();

  Receiver& receiver_;
  Reading reading_ = Reading::Data;
  std::uint8_t verb_ = 0;
  std::string sub_;
  std::string answers_;
  std::uint64_t commands_ = 0;
  Mode mode_ = Mode::Line;
  Option echo_, our_go_ahead_, their_go_ahead_, our_binary_, their_binary_, window_, type_,
      line_mode_;
};

}  // namespace unbolt::telnet
