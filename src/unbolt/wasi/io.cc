#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "unbolt/component/bind.h"
#include "unbolt/wasi/interfaces.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

// variant stream-error { last-operation-failed(error), closed }
using StreamError = std::variant<Own<IoError>, std::monostate>;
template <class T>
using StreamResult = std::expected<T, StreamError>;

constexpr std::uint64_t kMaxPollables = 10'000;

StreamError closed() { return StreamError(std::in_place_index<1>); }
StreamError failed(Error error) {
  return StreamError(std::in_place_index<0>, std::make_unique<IoError>(std::move(error)));
}

StreamError end_of(Source& source) {
  if (auto failure = source.failure()) return failed(std::move(*failure));
  return closed();
}
StreamError end_of(Sink& sink) {
  sink.told_closed();
  if (auto failure = sink.failure()) return failed(std::move(*failure));
  return closed();
}

// ---- error

std::string to_debug_string(Call&, Borrow<IoError> error) { return error->error.message; }

// ---- poll

bool pollable_ready(Call&, Borrow<Pollable> pollable) { return pollable->ready(); }

Task<Result<>> wait_for(Pollable* pollable) {
  co_await pollable->wait();
  co_return Result<>{};
}
Reply<Result<>> pollable_block(Call&, Borrow<Pollable> pollable) {
  if (pollable->ready()) return Result<>{};
  return wait_for(pollable.object);
}

using PollResult = Result<std::vector<std::uint32_t>>;

std::vector<std::uint32_t> ready_ones(const std::vector<Borrow<Pollable>>& pollables) {
  std::vector<std::uint32_t> ready;
  for (std::uint32_t i = 0; i < pollables.size(); ++i) {
    if (pollables[i]->ready()) ready.push_back(i);
  }
  return ready;
}

// Waits for any of them: all wait, the first to end cancels the others, and every one has ended
// before this does.
Task<PollResult> wait_for_any(std::vector<Borrow<Pollable>> pollables) {
  struct Group {
    std::deque<asio::cancellation_signal> signals;
    std::size_t running = 0;
    bool cancelled = false;
    Timer all_ended;
    explicit Group(Executor executor) : all_ended(executor, Timer::time_point::max()) {}
    // Once: what is between two waits then does not begin the next.
    void cancel() {
      if (std::exchange(cancelled, true)) return;
      for (auto& signal : signals) signal.emit(asio::cancellation_type::terminal);
    }
  };
  const auto executor = co_await asio::this_coro::executor;
  Group group(executor);
  co_await asio::this_coro::throw_if_cancelled(false);
  std::unordered_set<const void*> keys(pollables.size());
  for (const auto& pollable : pollables) {
    if (group.cancelled) break;  // one became ready since they were asked
    if (!keys.insert(pollable->key()).second) continue;
    auto& signal = group.signals.emplace_back();
    ++group.running;
    asio::co_spawn(executor, pollable->wait(),
                   asio::bind_cancellation_slot(signal.slot(), [&group](std::exception_ptr) {
                     group.cancel();
                     if (--group.running == 0) group.all_ended.cancel();
                   }));
  }
  const auto outer = (co_await asio::this_coro::cancellation_state).slot();
  while (group.running > 0) {
    boost::system::error_code ec;
    co_await group.all_ended.async_wait(asio::redirect_error(use_task, ec));
    if (outer.is_connected() && (co_await asio::this_coro::cancellation_state).cancelled() !=
                                    asio::cancellation_type::none) {
      group.cancel();
    }
  }
  co_return ready_ones(pollables);
}

Reply<PollResult> poll(Call&, std::vector<Borrow<Pollable>> pollables) {
  if (pollables.empty())
    return PollResult(fail(ErrorCode::InvalidArgument, "poll: the list of pollables is empty"));
  if (pollables.size() > kMaxPollables) {
    return PollResult(
        fail(ErrorCode::LimitExceeded, "poll: more than {} pollables", kMaxPollables));
  }
  if (auto ready = ready_ones(pollables); !ready.empty()) return PollResult(std::move(ready));
  return wait_for_any(std::move(pollables));
}

// ---- input-stream

// It outlives its stream only for the guest: what is gone is ready.
class SourcePollable final : public Pollable {
 public:
  explicit SourcePollable(const std::shared_ptr<Source>& source)
      : source_(source), key_(source.get()) {}
  bool ready() override {
    const auto source = source_.lock();
    return !source || source->ready();
  }
  Task<> wait() override {
    const auto source = source_.lock();
    while (source && !source->ready()) co_await source->wait();
  }
  const void* key() const override { return key_; }

 private:
  std::weak_ptr<Source> source_;
  const void* key_;
};

using BytesRead = StreamResult<ByteView>;

enum class Wait : bool { No, Yes };

BytesRead give(InputStream& stream, std::uint64_t length) {
  const ByteView view = stream.give(length);
  if (!view.empty()) return view;
  // What has ended says so, also where nothing is asked for.
  Source& source = *stream.source();
  if (source.available().empty() && !source.open()) return std::unexpected(end_of(source));
  return view;
}

std::size_t clamped(std::uint64_t length) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(length, SIZE_MAX));
}

Task<BytesRead> read_later(InputStream* stream, std::uint64_t length, Task<Result<>> fetch) {
  if (auto fetched = co_await std::move(fetch); !fetched)
    co_return std::unexpected(failed(std::move(fetched.error())));
  co_return give(*stream, length);
}
Task<BytesRead> read_when_ready(InputStream* stream, std::uint64_t length) {
  const auto source = stream->source();
  for (;;) {
    co_await source->wait();
    auto fetch = source->fetch(clamped(length));
    auto fetched = fetch.ready() ? std::move(fetch).take() : co_await std::move(fetch).task();
    if (!fetched) co_return std::unexpected(failed(std::move(fetched.error())));
    // It may have ended early, or another program may have been quicker.
    if (!source->available().empty() || !source->open()) co_return give(*stream, length);
  }
}

// What both kinds of reading do; the blocking one waits for the first byte.
Reply<BytesRead> read(InputStream& stream, std::uint64_t length, Wait wait) {
  Source& source = *stream.source();
  if (length > 0) {
    auto fetch = source.fetch(clamped(length));
    if (!fetch.ready()) return read_later(&stream, length, std::move(fetch).task());
    if (auto fetched = std::move(fetch).take(); !fetched)
      return BytesRead(std::unexpected(failed(std::move(fetched.error()))));
    // Not whether it is ready: bytes may have come since they were fetched.
    if (wait == Wait::Yes && source.available().empty() && source.open())
      return read_when_ready(&stream, length);
  }
  return give(stream, length);
}

Reply<BytesRead> input_read(Call&, Borrow<InputStream> stream, std::uint64_t length) {
  return read(*stream, length, Wait::No);
}
Reply<BytesRead> input_blocking_read(Call&, Borrow<InputStream> stream, std::uint64_t length) {
  return read(*stream, length, Wait::Yes);
}

StreamResult<std::uint64_t> as_count(BytesRead read) {
  if (!read) return std::unexpected(std::move(read.error()));
  return read->size();
}
Task<StreamResult<std::uint64_t>> count_later(Task<BytesRead> read) {
  co_return as_count(co_await std::move(read));
}
Reply<StreamResult<std::uint64_t>> skip(InputStream& stream, std::uint64_t length, Wait wait) {
  auto reply = read(stream, length, wait);
  if (!reply.ready()) return count_later(std::move(reply).task());
  return as_count(std::move(reply).take());
}
Reply<StreamResult<std::uint64_t>> input_skip(Call&, Borrow<InputStream> stream,
                                              std::uint64_t length) {
  return skip(*stream, length, Wait::No);
}
Reply<StreamResult<std::uint64_t>> input_blocking_skip(Call&, Borrow<InputStream> stream,
                                                       std::uint64_t length) {
  return skip(*stream, length, Wait::Yes);
}
Own<Pollable> input_subscribe(Call&, Borrow<InputStream> stream) {
  return std::make_unique<SourcePollable>(stream->source());
}

// ---- output-stream

class SinkPollable final : public Pollable {
 public:
  explicit SinkPollable(const std::shared_ptr<Sink>& sink) : sink_(sink), key_(sink.get()) {}
  bool ready() override {
    const auto sink = sink_.lock();
    return !sink || sink->capacity() > 0 || !sink->open();
  }
  Task<> wait() override {
    const auto sink = sink_.lock();
    if (sink) co_await sink->wait();
  }
  const void* key() const override { return key_; }

 private:
  std::weak_ptr<Sink> sink_;
  const void* key_;
};

using Written = StreamResult<void>;

Written to_written(Result<> result) {
  if (!result) return std::unexpected(failed(std::move(result.error())));
  return {};
}

StreamResult<std::uint64_t> output_check_write(Call&, Borrow<OutputStream> stream) {
  if (!stream->sink().open()) return std::unexpected(end_of(stream->sink()));
  return stream->sink().capacity();
}

Task<Result<Written>> written_later(Task<Result<>> task) {
  co_return to_written(co_await std::move(task));
}

// Writing more than check-write permitted is a trap.
Reply<Result<Written>> output_write(Call&, Borrow<OutputStream> stream, ByteView contents) {
  Sink& sink = stream->sink();
  if (!sink.open()) return Result<Written>(Written(std::unexpected(end_of(sink))));
  if (contents.size() > sink.capacity()) {
    return Result<Written>(fail(ErrorCode::InvalidArgument,
                                "write: {} bytes where check-write permits {}", contents.size(),
                                sink.capacity()));
  }
  auto written = sink.write(contents);
  if (!written.ready()) return written_later(std::move(written).task());
  return Result<Written>(to_written(std::move(written).take()));
}

Task<Written> flush_all(std::shared_ptr<Sink> sink) {
  sink->flush();
  while (sink->holds_back() && sink->open()) co_await sink->wait();
  if (!sink->open()) co_return std::unexpected(end_of(*sink));
  co_return Written{};
}

// Writes and waits until the sink has room for it, piece by piece.
Task<Written> write_all(std::shared_ptr<Sink> sink, ByteView contents) {
  while (!contents.empty()) {
    while (sink->capacity() == 0 && sink->open()) co_await sink->wait();
    if (!sink->open()) co_return std::unexpected(end_of(*sink));
    const ByteView part = contents.first(std::min(contents.size(), sink->capacity()));
    if (auto written = co_await sink->write(part).wait(); !written)
      co_return to_written(std::move(written));
    contents = contents.subspan(part.size());
  }
  co_return co_await flush_all(sink);
}
Task<Written> written_and_flushed(std::shared_ptr<Sink> sink, Task<Result<>> task) {
  auto written = to_written(co_await std::move(task));
  if (written) co_return co_await flush_all(sink);
  co_return written;
}

Reply<Written> output_blocking_write_and_flush(Call&, Borrow<OutputStream> stream,
                                               ByteView contents) {
  Sink& sink = stream->sink();
  if (!sink.open()) return Written(std::unexpected(end_of(sink)));
  if (contents.size() > sink.capacity()) return write_all(stream->shared(), contents);
  auto reply = sink.write(contents);
  if (!reply.ready()) return written_and_flushed(stream->shared(), std::move(reply).task());
  auto written = to_written(std::move(reply).take());
  if (!written) return written;
  sink.flush();
  if (sink.holds_back()) return flush_all(stream->shared());
  return written;
}

Written output_flush(Call&, Borrow<OutputStream> stream) {
  Sink& sink = stream->sink();
  if (!sink.open()) return std::unexpected(end_of(sink));
  sink.flush();
  return {};
}

Task<Written> flush_later(std::shared_ptr<Sink> sink) {
  sink->flush();
  while (sink->capacity() == 0 && sink->open()) co_await sink->wait();
  if (!sink->open()) co_return std::unexpected(end_of(*sink));
  co_return Written{};
}
Reply<Written> output_blocking_flush(Call&, Borrow<OutputStream> stream) {
  Sink& sink = stream->sink();
  if (!sink.open()) return Written(std::unexpected(end_of(sink)));
  if (sink.capacity() == 0) return flush_later(stream->shared());
  sink.flush();
  return Written{};
}

Own<Pollable> output_subscribe(Call&, Borrow<OutputStream> stream) {
  return std::make_unique<SinkPollable>(stream->shared());
}

// Zeros go out through `write` in pieces of this.
constexpr std::uint8_t kZeros[4096] = {};

Task<Result<Written>> zeroes_written(std::shared_ptr<Sink> sink, std::uint64_t length) {
  while (length > 0) {
    const auto part = std::min<std::uint64_t>(length, sizeof kZeros);
    auto written = co_await sink->write({kZeros, part}).wait();
    if (!written) co_return to_written(std::move(written));
    length -= part;
  }
  co_return Written{};
}
Reply<Result<Written>> output_write_zeroes(Call&, Borrow<OutputStream> stream,
                                           std::uint64_t length) {
  Sink& sink = stream->sink();
  if (!sink.open()) return Result<Written>(Written(std::unexpected(end_of(sink))));
  if (length > sink.capacity()) {
    return Result<Written>(fail(ErrorCode::InvalidArgument,
                                "write-zeroes: {} bytes where check-write permits {}", length,
                                sink.capacity()));
  }
  return zeroes_written(stream->shared(), length);
}

Task<Written> write_zeroes_later(std::shared_ptr<Sink> sink, std::uint64_t length) {
  while (length > 0) {
    const auto part = std::min<std::uint64_t>(length, sizeof kZeros);
    auto written = co_await write_all(sink, {kZeros, part});
    if (!written) co_return written;
    length -= part;
  }
  co_return Written{};
}
Reply<Written> output_blocking_write_zeroes_and_flush(Call&, Borrow<OutputStream> stream,
                                                      std::uint64_t length) {
  return write_zeroes_later(stream->shared(), length);
}

using Spliced = StreamResult<std::uint64_t>;

// Both streams live until the guest goes on.
Task<Spliced> splice(OutputStream* to, InputStream* from, std::uint64_t length, Wait wait) {
  const auto& sink = to->shared();
  if (wait == Wait::Yes && length > 0) {
    while (sink->capacity() == 0 && sink->open()) co_await sink->wait();
  }
  if (!sink->open()) co_return std::unexpected(end_of(*sink));
  const std::uint64_t limit = std::min<std::uint64_t>(length, sink->capacity());
  auto bytes = co_await read(*from, limit, wait).wait();
  if (!bytes) co_return std::unexpected(std::move(bytes.error()));
  // The peer may have left while the bytes were waited for: then they stay where they are.
  if (!sink->open()) co_return std::unexpected(end_of(*sink));
  if (auto written = co_await sink->write(*bytes).wait(); !written)
    co_return std::unexpected(failed(std::move(written.error())));
  co_return bytes->size();
}
Reply<Spliced> output_splice(Call&, Borrow<OutputStream> stream, Borrow<InputStream> from,
                             std::uint64_t length) {
  return splice(stream.object, from.object, length, Wait::No);
}
Reply<Spliced> output_blocking_splice(Call&, Borrow<OutputStream> stream, Borrow<InputStream> from,
                                      std::uint64_t length) {
  return splice(stream.object, from.object, length, Wait::Yes);
}

}  // namespace

void add_io(component::HostInterfaces& host) {
  host.add("wasi:io/error@0.2.12")
      .resource<IoError>("error")
      .func<&to_debug_string>("[method]error.to-debug-string");
  host.add("wasi:io/poll@0.2.12")
      .resource<Pollable>("pollable")
      .func<&pollable_ready>("[method]pollable.ready")
      .func<&pollable_block>("[method]pollable.block")
      .func<&poll>("poll");
  host.add("wasi:io/streams@0.2.12")
      .resource<InputStream>("input-stream")
      .resource<OutputStream>("output-stream")
      .func<&input_read>("[method]input-stream.read")
      .func<&input_blocking_read>("[method]input-stream.blocking-read")
      .func<&input_skip>("[method]input-stream.skip")
      .func<&input_blocking_skip>("[method]input-stream.blocking-skip")
      .func<&input_subscribe>("[method]input-stream.subscribe")
      .func<&output_check_write>("[method]output-stream.check-write")
      .func<&output_write>("[method]output-stream.write")
      .func<&output_blocking_write_and_flush>("[method]output-stream.blocking-write-and-flush")
      .func<&output_flush>("[method]output-stream.flush")
      .func<&output_blocking_flush>("[method]output-stream.blocking-flush")
      .func<&output_subscribe>("[method]output-stream.subscribe")
      .func<&output_write_zeroes>("[method]output-stream.write-zeroes")
      .func<&output_blocking_write_zeroes_and_flush>(
          "[method]output-stream.blocking-write-zeroes-and-flush")
      .func<&output_splice>("[method]output-stream.splice")
      .func<&output_blocking_splice>("[method]output-stream.blocking-splice");
}

}  // namespace unbolt::wasi
