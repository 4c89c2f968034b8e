#include "unbolt/http/idle_channels.h"

#include <algorithm>

namespace unbolt::http {
namespace {
constexpr std::size_t kSmallBuffer = 4096;
}

class IdleChannels::Idle final : private Channel::Listener, private Deadlines::Entry {
 public:
  Idle(IdleChannels& all, std::string key, Ref<Channel> channel)
      : all_(all), key_(std::move(key)), channel_(std::move(channel)) {
    channel_->listen(this);
    channel_->trim(kSmallBuffer);
    channel_->read(kSmallBuffer);
    all_.deadlines_->set(*this, all_.timeout_);
  }
  virtual ~Idle() {
    if (is_linked()) all_.deadlines_->remove(*this);
    if (!channel_) return;
    channel_->listen(nullptr);
    channel_->close();
  }

  const std::string& key() const { return key_; }

  Ref<Channel> take() {
    channel_->listen(nullptr);
    return std::move(channel_);
  }

  bool usable() const {
    return !channel_->ended() && channel_->in.empty() &&
           channel_->transport()->peek() == Transport::Peek::Nothing;
  }

 private:
  // The server closed the connection, or sent what nobody asked for.
  void on_input() override { all_.drop(*this); }
  void on_output() override {}
  void on_deadline() override { all_.drop(*this); }

  IdleChannels& all_;
  const std::string key_;
  Ref<Channel> channel_;
};

IdleChannels::IdleChannels(Ref<Deadlines> deadlines, std::size_t most_per_key,
                           std::chrono::nanoseconds timeout)
    : deadlines_(std::move(deadlines)), most_per_key_(most_per_key), timeout_(timeout) {}

IdleChannels::~IdleChannels() = default;

void IdleChannels::clear() { channels_.clear(); }

void IdleChannels::put(const std::string& key, Ref<Channel> channel) {
  if (most_per_key_ == 0) return channel->close();
  Queue& queue = channels_[key];
  if (queue.size() >= most_per_key_) queue.pop_front();
  queue.push_back(std::make_unique<Idle>(*this, key, std::move(channel)));
}

Ref<Channel> IdleChannels::take(const std::string& key) {
  auto found = channels_.find(key);
  if (found == channels_.end()) return nullptr;
  Queue& queue = found->second;
  Ref<Channel> channel;
  while (!channel && !queue.empty()) {
    auto idle = std::move(queue.back());
    queue.pop_back();
    if (idle->usable()) channel = idle->take();
  }
  if (queue.empty()) channels_.erase(found);
  return channel;
}

void IdleChannels::drop(Idle& idle) {
  auto found = channels_.find(idle.key());
  Queue& queue = found->second;
  auto at = std::ranges::find(queue, &idle, [](const auto& held) { return held.get(); });
  auto dropped = std::move(*at);
  queue.erase(at);
  if (queue.empty()) channels_.erase(found);
}

}  // namespace unbolt::http
