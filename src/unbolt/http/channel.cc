#include "unbolt/http/channel.h"

#include <boost/asio/error.hpp>

#include <algorithm>

namespace unbolt::http {
namespace {
constexpr std::size_t kLeastRoom = 1024;
}

void Channel::read(std::size_t capacity) {
  if (reading_ || ended_ || !transport_) return;
  if (in.empty() || in.room().size() < kLeastRoom || in.capacity() < capacity) {
    in.make_room(std::max(capacity,
                          in.size() + kLeastRoom > in.capacity() ? 2 * in.size() + kLeastRoom : 0));
  }
  start_read();
}

void Channel::trim(std::size_t most) {
  if (!reading_) in.shrink(most);
  if (out.empty()) out.shrink(most);
}

bool Channel::read_behind() {
  if (reading_ || ended_ || !transport_) return true;
  if (in.room().size() < kLeastRoom) return false;
  start_read();
  return true;
}

void Channel::start_read() {
  reading_ = true;
  auto room = in.room();
  transport_->async_read(asio::buffer(room.data(), room.size()), Ref<Channel>(this));
}

void Channel::on_read(boost::system::error_code error, std::size_t size) {
  reading_ = false;
  in.commit(size);
  if (error) {
    ended_ = true;
    read_error_ = error;
  }
  if (listener_ && !closed_) listener_->on_input();
}

void Channel::send() {
  if (sending_ || broken_ || !transport_ || out.empty()) return;
  boost::system::error_code error;
  std::string& text = out.text();
  std::size_t size = transport_->try_write(asio::buffer(text), error);
  if (error) return fail_output();
  if (size == text.size()) return out.clear();
  rest_.swap(text);
  sent_ = size;
  start_write();
}

void Channel::start_write() {
  sending_ = true;
  transport_->async_write(asio::buffer(rest_.data() + sent_, rest_.size() - sent_),
                          Ref<Channel>(this));
}

void Channel::on_written(boost::system::error_code error, std::size_t size) {
  sending_ = false;
  sent_ += size;
  if (error || broken_) {
    fail_output();
  } else if (sent_ < rest_.size()) {
    start_write();
  } else {
    rest_.clear();
    sent_ = 0;
  }
  if (listener_ && !closed_) listener_->on_output();
}

void Channel::fail_output() {
  broken_ = true;
  out.clear();
  if (sending_) return;
  rest_.clear();
  sent_ = 0;
}

void Channel::shutdown() {
  if (transport_) transport_->shutdown();
}

void Channel::close(Transport::How how) {
  if (closed_) return;
  closed_ = true;
  broken_ = true;
  ended_ = true;
  if (!read_error_) read_error_ = asio::error::operation_aborted;
  out.clear();
  if (transport_) transport_->close(how);
}

}  // namespace unbolt::http
