// A body on its way out, on either side, and the end of the head in front of it.
#pragma once

#include <cstdint>
#include <optional>

#include "unbolt/http/channel.h"
#include "unbolt/http/handler.h"
#include "unbolt/http/waiter.h"

namespace unbolt::http {

// How the body ends is decided as late as possible: one that is finished before anything was sent
// gets a content-length, whatever its size; one that is sent before it is whole is chunked, or ends
// with the connection.
class OutgoingBody final : public BodyWriter {
 public:
  class Owner {
   public:
    // Call `send` when the coroutine that runs now has come to rest.
    virtual void on_flush_wanted() = 0;
    // The message will stay incomplete: close the connection.
    virtual void on_abort() = 0;

   protected:
    ~Owner() = default;
  };
  struct Plan {
    std::optional<std::uint64_t> length;  // as declared by the fields
    bool forbidden = false;               // a status that never has a body
    bool discard = false;                 // the answer to HEAD: counted, not sent
    bool may_chunk = true;
    std::string_view connection;  // the field line that says whether the connection goes on
    bool omit_zero = false;       // an empty body is none, rather than "content-length: 0"
  };

  explicit OutgoingBody(Owner& owner) : owner_(owner) {}

  // `channel.out` ends with the last field line of a head; `channel` stays until the next call.
  void start(Channel& channel, std::size_t buffer_bytes, const Plan& plan);
  // Begins again on another channel, finished where it was; only where it is restartable.
  void restart(Channel& channel);
  // Nothing that was given to the old channel would be missing.
  bool restartable() const { return written_ == 0 && !had_trailers_ && !aborted_; }
  // Its channel goes; only where it is finished.
  void detach() { channel_ = nullptr; }
  // Before `start`: there is no body to write to.
  void reset() {
    channel_ = nullptr;
    finished_ = aborted_ = flush_wanted_ = had_trailers_ = sent_ = false;
  }

  // Never 0 where `write` would report an error rather than wait.
  std::size_t capacity() const override;
  Result<> write(ByteView bytes) override;
  void flush() override;
  Task<> wait() override;
  Task<Result<>> drained() override;
  Result<> finish(Fields trailers) override;
  void abort() override;

  bool started() const { return channel_ != nullptr; }
  bool finished() const { return finished_; }
  bool aborted() const { return aborted_; }
  // Nothing but the connection's end ends the message.
  bool until_close() const { return framing_ == Framing::UntilClose; }
  bool flush_wanted() const { return flush_wanted_; }
  // Nothing was sent, and nothing is there to be sent.
  bool untouched() const {
    return framing_ == Framing::Undecided && written_ == 0 && !finished_ && !flush_wanted_;
  }

  // Nothing of the message was given to the channel.
  bool unsent() const { return !sent_; }

  // Decides what is open and gives everything to the channel.
  void send();
  // The channel took bytes, was attached, or broke.
  void on_output();

 private:
  enum class Framing : std::uint8_t { Undecided, Length, Chunked, UntilClose };

  Result<> check_open() const;
  void append(std::string_view bytes);
  void end_head(bool whole);
  void end_chunk();
  void wake();

  Owner& owner_;
  Channel* channel_ = nullptr;
  Plan plan_;
  std::size_t buffer_bytes_ = 0;
  Framing framing_ = Framing::Undecided;
  std::uint64_t written_ = 0;
  std::uint64_t remaining_ = 0;  // of the content-length
  bool finished_ = false;
  bool aborted_ = false;
  bool flush_wanted_ = false;
  bool had_trailers_ = false;
  bool sent_ = false;
  Waiter capacity_waiter_;
  Waiter drained_waiter_;
};

}  // namespace unbolt::http
