// A socket of the operating system: non-blocking, waited for on a loop.
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <cstdint>
#include <memory>
#include <optional>

#include "unbolt/base/task.h"
#include "unbolt/files/descriptor.h"
#include "unbolt/wasi/sockets_address.h"

namespace unbolt::wasi {

// Held while its socket is open: its share of what there may be.
using SocketShare = std::shared_ptr<void>;

// Belongs to one loop. The loop learns of it when it is first waited for.
class NativeSocket {
 public:
  using Stream = asio::posix::basic_stream_descriptor<Executor>;

  // A new one; IPv6 sockets take no IPv4.
  static SocketResult<std::unique_ptr<NativeSocket>> open(Executor loop, IpFamily family, int type,
                                                          SocketShare share);
  NativeSocket(Executor loop, IpFamily family, files::Descriptor descriptor, SocketShare share)
      : loop_(loop),
        family_(family),
        descriptor_(std::move(descriptor)),
        number_(descriptor_.number()),
        share_(std::move(share)) {}
  NativeSocket(const NativeSocket&) = delete;
  NativeSocket& operator=(const NativeSocket&) = delete;

  int number() const { return number_; }
  IpFamily family() const { return family_; }
  const Executor& loop() const { return loop_; }

  // Whether it can be read from or written to, has failed or is at its end, now.
  bool readable() const;
  bool writable() const;
  // End when that may be so, or a little early: look again. One at a time each; cancellable.
  Task<> wait_readable() { return wait(Stream::wait_read); }
  Task<> wait_writable() { return wait(Stream::wait_write); }
  // The same for a plain handler, `void(error_code)`.
  template <class Handler>
  void async_wait_writable(Handler handler) {
    stream().async_wait(Stream::wait_write, std::move(handler));
  }
  // Ends all waits with operation_aborted.
  void cancel() {
    if (stream_) stream_->cancel();
  }

  // What failed since it was last asked; 0: nothing.
  int take_error() const;
  SocketResult<Endpoint> local() const;

  // ---- Options. Times are in seconds; what is out of range becomes the nearest in range.
  SocketResult<int> option(int level, int name) const;
  SocketResult<> set_option(int level, int name, int value) const;
  SocketResult<std::uint8_t> hop_limit() const;
  SocketResult<> set_hop_limit(std::uint8_t value) const;
  // `which` is SO_RCVBUF or SO_SNDBUF.
  SocketResult<std::uint64_t> buffer_size(int which) const;
  SocketResult<> set_buffer_size(int which, std::uint64_t value) const;

 private:
  Stream& stream();
  Task<> wait(Stream::wait_type what);

  Executor loop_;
  IpFamily family_;
  files::Descriptor descriptor_;  // until the loop has it
  std::optional<Stream> stream_;
  int number_;
  SocketShare share_;
};

}  // namespace unbolt::wasi
