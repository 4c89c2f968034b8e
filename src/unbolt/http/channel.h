// One connection with its buffers, on either side.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "unbolt/http/input_buffer.h"
#include "unbolt/http/output_buffer.h"
#include "unbolt/http/transport.h"

namespace unbolt::http {

// Reads when it is told to, and sends what stands in `out`. Kept by what uses it and by the
// operations under way; what happens goes to the listener, last of all, so that the listener may
// let go of the channel or close it.
class Channel : public Counted<Channel> {
 public:
  class Listener {
   public:
    // Bytes came in, or no more will (`ended`).
    virtual void on_input() = 0;
    // `pending` became less, or the connection broke.
    virtual void on_output() = 0;

   protected:
    ~Listener() = default;
  };

  // Null where nobody listens any more.
  void listen(Listener* listener) { listener_ = listener; }
  // What stands in `out` before is sent with the first `send` after.
  void attach(std::unique_ptr<Transport> transport) { transport_ = std::move(transport); }
  bool attached() const { return transport_ != nullptr; }
  Transport* transport() { return transport_.get(); }

  InputBuffer in;
  OutputBuffer out;

  // Reads once, where no read is under way, into a buffer of at least `capacity`. Ends every view
  // of `in`.
  void read(std::size_t capacity);
  // As `read`, but leaves the bytes where they are; false where there is no room behind them.
  bool read_behind();
  // Gives a large empty buffer back.
  void trim(std::size_t most);
  bool reading() const { return reading_; }
  // The peer sends no more: `read_error` is eof or says why.
  bool ended() const { return ended_; }
  const boost::system::error_code& read_error() const { return read_error_; }

  // Gives `out` to the system, at once as far as it takes it. Not while `out` has a gap, and
  // nothing while an earlier rest waits: `on_output` comes then.
  void send();
  bool sending() const { return sending_; }
  std::size_t pending() const { return out.size() + rest_.size() - sent_; }
  // A write failed; what is pending was dropped.
  bool broken() const { return broken_; }

  void shutdown();
  // At once; the listener hears no more.
  void close(Transport::How how = Transport::How::Normal);
  bool closed() const { return closed_; }

  void on_read(boost::system::error_code error, std::size_t size);
  void on_written(boost::system::error_code error, std::size_t size);

 private:
  void start_read();
  void start_write();
  void fail_output();

  std::unique_ptr<Transport> transport_;
  Listener* listener_ = nullptr;
  std::string rest_;  // what a write is under way with
  std::size_t sent_ = 0;
  bool reading_ = false;
  bool sending_ = false;
  bool ended_ = false;
  bool broken_ = false;
  bool closed_ = false;
  boost::system::error_code read_error_;
};

}  // namespace unbolt::http
