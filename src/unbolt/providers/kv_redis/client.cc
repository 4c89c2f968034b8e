#include "unbolt/providers/kv_redis/client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <utility>

namespace unbolt::providers::redis {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Result<std::unique_ptr<asio::ssl::context>> make_tls(const KvRedisOptions& options) {
  if (!options.tls) return nullptr;
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  boost::system::error_code error;
  context->set_verify_mode(asio::ssl::verify_peer, error);
  if (options.ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(options.ca_file, error);
  }
  if (!error) return context;
  return std::unexpected(
      Error{ErrorCode::InvalidArgument,
            fmt::format("no certificates to trust in '{}': {}", options.ca_file, error.message()),
            "ca= names a file of certificates in the PEM format"});
}

}  // namespace

Client::Client(const KvRedisOptions& options) : options_(options) {}

Client::~Client() { io_.stop(); }

Result<std::shared_ptr<Client>> Client::open(const KvRedisOptions& options, Log& log,
                                             BlockingPool& blocking) {
  std::shared_ptr<Client> client(new Client(options), [&blocking](Client* last) {
    blocking.post([last]() noexcept { delete last; });
  });
  UNBOLT_ASSIGN(client->tls_, make_tls(options));
  for (std::size_t i = 0; i < std::max<std::size_t>(1, options.connections); ++i) {
    client->connections_.push_back(std::make_unique<Connection>(
        client->options_, client->tls_.get(), client->io_.loop(), log));
  }
  client->subscription_ =
      std::make_unique<Subscription>(client->options_, client->tls_.get(), client->io_.loop());
  UNBOLT_TRY(client->connect());
  return client;
}

Result<> Client::connect() {
  // Of an attempt that has not ended by then: a name that is looked up for a long time.
  auto first = std::make_shared<std::promise<Result<>>>();
  auto outcome = first->get_future();
  asio::post(io_.loop(), [this, first] {
    connections_.front()->start([first](Result<> result) { first->set_value(std::move(result)); });
  });
  if (outcome.wait_for(options_.timeout + 500ms) == std::future_status::ready) return outcome.get();
  return std::unexpected(Error{
      ErrorCode::Unavailable,
      fmt::format("{} does not answer within {} ms", options_.shown(), options_.timeout.count()),
      "is it running, and reachable from here?"});
}

Result<std::shared_ptr<void>> Client::admit(std::size_t bytes) {
  std::size_t calls = ++admitted_->calls;
  std::size_t total = admitted_->bytes += bytes;
  std::shared_ptr<void> place(nullptr, [waiting = admitted_, bytes](void*) {
    --waiting->calls;
    waiting->bytes -= bytes;
  });
  if (calls <= options_.max_waiting && (total <= options_.max_waiting_bytes || calls == 1))
    return place;
  return std::unexpected(
      Error{ErrorCode::LimitExceeded,
            fmt::format("{} calls with {} bytes wait for {} already: it does not keep up",
                        calls - 1, total - bytes, options_.shown()),
            {}});
}

void Client::enqueue(std::shared_ptr<Request> request) {
  bool idle = false;
  {
    std::lock_guard lock(mutex_);
    idle = inbox_.empty();
    inbox_.push_back(std::move(request));
  }
  if (idle) asio::post(io_.loop(), [this] { take_inbox(); });
}

void Client::take_inbox() {
  std::vector<std::shared_ptr<Request>> taken;
  {
    std::lock_guard lock(mutex_);
    taken.swap(inbox_);
  }
  for (auto& request : taken) {
    auto least = std::ranges::min_element(
        connections_, {}, [](const auto& connection) { return connection->size(); });
    (*least)->submit(std::move(request));
  }
}

Task<Result<ReplyPtr>> Client::call(std::shared_ptr<Client> self, Command command) {
  command.end();
  auto request = std::make_shared<Request>(std::move(command));
  auto place = self->admit(request->command.size());
  if (!place) co_return std::unexpected(std::move(place.error()));
  request->admission = std::move(*place);
  request->deadline = Clock::now() + self->options_.timeout;
  co_await suspend([&](Resume resume) {
    request->resume = std::move(resume);
    auto keep = self;  // this frame may be gone before `enqueue` returns
    keep->enqueue(request);
  });
  co_return std::move(request->outcome);
}

Task<Result<>> Client::subscribe(std::shared_ptr<Client> self) {
  Result<> outcome;
  co_await suspend([&](Resume resume) {
    auto keep = self;
    asio::post(keep->io_.loop(), [subscription = keep->subscription_.get(), &outcome,
                                  resume = std::move(resume)]() mutable {
      subscription->ready([&outcome, resume = std::move(resume)](Result<> result) mutable {
        outcome = std::move(result);
        resume();
      });
    });
  });
  co_return outcome;
}

}  // namespace unbolt::providers::redis
