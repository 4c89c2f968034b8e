// A provider of shop:pricing/prices that does what an item's name says, or its options: what tests
// of plug-ins need.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "unbolt/plugin/unbolt_plugin.hpp"

namespace {

class Pricing {
 public:
  explicit Pricing(const unbolt::provider::Options& options)
      : host_(options.host()), cents_(std::stoull(options.get("cents", "40"))) {
    const std::string open = options.get("open");
    if (open == "throw") throw std::runtime_error("no price list");
    if (open == "crash") std::abort();  // a sanitizer speaks of any other signal
    if (open == "exit") std::_Exit(0);
    if (open == "hang") std::this_thread::sleep_for(std::chrono::hours(1));
  }
  ~Pricing() {
    unbolt::provider::log(host_, UNBOLT_INFO, "closed");
    while (threads_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  void quote(unbolt::provider::Later<std::expected<std::uint64_t, std::string>> answer,
             std::string_view item, std::uint32_t count) {
    using Answer = std::expected<std::uint64_t, std::string>;
    if (item == "throw") throw std::runtime_error("the cat sat on the list");
    if (item == "kiwi") {
      answer.done(Answer(std::unexpected("that is not sold here")));
    } else if (item == "garbage") {
      answer.done(Answer(std::unexpected("\xff\xfe")));
    } else if (item == "never") {
      never_.push_back(std::move(answer));
    } else if (item == "given-up") {
      return;
    } else if (item == "later") {
      ++threads_;
      std::thread([this, count, answer = std::move(answer)]() mutable {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        answer.done(Answer(cents_ * count));
        --threads_;
      }).detach();
    } else {
      answer.done(Answer(cents_ * count));
    }
  }

 private:
  const unbolt_host* host_;
  std::uint64_t cents_;
  std::atomic<int> threads_ = 0;
  std::vector<unbolt::provider::Later<std::expected<std::uint64_t, std::string>>> never_;
};

}  // namespace

UNBOLT_PROVIDER("pricing 1.0", Pricing,
                {"shop:pricing/prices", "quote", unbolt::provider::function<&Pricing::quote>})
