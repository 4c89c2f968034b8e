// A body on its way in, on either side.
#pragma once

#include <cstdint>

#include "unbolt/http/body_decoder.h"
#include "unbolt/http/channel.h"
#include "unbolt/http/waiter.h"

namespace unbolt::http {

// Reads from the channel only while somebody waits; its owner hands on what the channel reports.
class IncomingBody final : public BodyReader {
 public:
  class Owner {
   public:
    // The reader is about to wait for the peer.
    virtual void on_body_wait() = 0;

   protected:
    ~Owner() = default;
  };
  struct Limits {
    std::uint64_t body_bytes;
    std::size_t trailer_bytes;
    std::size_t buffer_bytes;
  };

  explicit IncomingBody(Owner& owner) : owner_(owner) {}

  // A new message's body; `channel` stays until the next call.
  void start(Channel& channel, BodyDecoder::Kind kind, std::uint64_t length, const Limits& limits);

  // Its channel goes; only where it has ended.
  void detach() { channel_ = nullptr; }

  ByteView available() const override;
  void consume(std::size_t size) override;
  State state() const override;
  const Error& error() const override;
  Task<> wait() override;
  const Fields& trailers() const override { return decoder_.trailers(); }

  bool waiting() const { return waiter_.waiting(); }
  // The channel has input, or ended. May resume who waits, as its last act.
  void on_input();
  // Ends it in state Failed, where it is open, and wakes who waits, later.
  void fail(Error error);

 private:
  void settle();
  bool settled() const { return !available().empty() || state() != State::Open; }
  void read();

  Owner& owner_;
  Channel* channel_ = nullptr;
  BodyDecoder decoder_;
  Limits limits_{};
  Waiter waiter_;
  bool failed_ = false;
  Error error_;
};

}  // namespace unbolt::http
