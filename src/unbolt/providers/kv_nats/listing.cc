#include "unbolt/providers/kv_nats/listing.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "unbolt/nats/jetstream.h"
#include "unbolt/providers/kv_nats/names.h"

namespace unbolt::providers::nats_kv {
namespace {

using nats::Incoming;
using nlohmann::json;

// So many keys come at once; in between the server has time for others.
constexpr std::size_t kKeysAtOnce = 512;
// How the server ends a batch that it cannot fill.
constexpr int kNoMessages = 404, kNoMoreMessages = 408;

// What has come so far.
struct Listing {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::string> names;
  std::size_t messages = 0;
  bool complete = false;
  int status = 0;  // the one that ended a batch early
};

// The last of the tokens of `$JS.ACK.…`: how many messages are still to come.
bool is_last(std::string_view reply_to) {
  const auto tokens = std::count(reply_to.begin(), reply_to.end(), '.') + 1;
  // The longer form has a random token at the end.
  if (tokens > 11) reply_to = reply_to.substr(0, reply_to.rfind('.'));
  return reply_to.ends_with(".0");
}

using Take = std::function<void(Listing&, const Place&, bool removed)>;

// A consumer of the last message of each subject, which lasts as long as this does.
class LastMessages {
 public:
  LastMessages(std::shared_ptr<nats::Connection> connection, std::string stream)
      : connection_(std::move(connection)), stream_(std::move(stream)) {}
  LastMessages(const LastMessages&) = delete;
  LastMessages& operator=(const LastMessages&) = delete;
  ~LastMessages() {
    if (made_) connection_->send({"$JS.API.CONSUMER.DELETE." + stream_ + "." + name_, {}, {}, {}});
  }

  // Blocks. How many there are.
  Result<std::uint64_t> open(const std::string& filter) {
    const json request = {
        {"stream_name", stream_},
        {"config",
         {{"name", name_},
          {"deliver_policy", "last_per_subject"},
          {"filter_subject", filter},
          {"headers_only", true},
          {"ack_policy", "none"},
          {"max_deliver", 1},
          {"mem_storage", true},
          {"num_replicas", 1},
          {"inactive_threshold", std::chrono::nanoseconds(std::chrono::seconds(10)).count()}}}};
    UNBOLT_ASSIGN(auto made,
                  nats::run_here(nats::api(connection_, "CONSUMER.CREATE." + stream_ + "." + name_,
                                           request, connection_->deadline())));
    UNBOLT_ASSIGN(const json info,
                  nats::body_of(std::move(made), connection_->options().shown + ": listing keys"));
    made_ = true;
    return info.value("num_pending", std::uint64_t{0});
  }

  // They come to `inbox`, or a status where there are fewer.
  void ask(std::size_t count, const std::string& inbox) {
    const json request = {{"batch", count}, {"no_wait", true}};
    connection_->send({"$JS.API.CONSUMER.MSG.NEXT." + stream_ + "." + name_,
                       to_bytes(as_bytes(request.dump())),
                       inbox,
                       {}});
  }

 private:
  const std::shared_ptr<nats::Connection> connection_;
  const std::string stream_, name_ = nats::new_message_id();
  bool made_ = false;
};

// Until `wanted` messages are there, or no more come.
Result<> await_messages(Listing& listing, std::unique_lock<std::mutex>& lock, std::size_t wanted,
                        const nats::Connection& connection) {
  // As long as they come it may take its time.
  auto until = connection.deadline();
  auto seen = listing.messages;
  while (!listing.complete && listing.status == 0 && listing.messages < wanted) {
    if (listing.changed.wait_until(lock, until) != std::cv_status::timeout) continue;
    if (listing.messages == seen)
      return fail(ErrorCode::Timeout, "{}: the keys were not listed in time",
                  connection.options().shown);
    seen = listing.messages;
    until = connection.deadline();
  }
  if (listing.status == kNoMessages || listing.status == kNoMoreMessages) listing.complete = true;
  if (listing.complete || listing.status == 0) return {};
  return fail(ErrorCode::Unavailable, "{}: the server ended the listing of keys (status {})",
              connection.options().shown, listing.status);
}

// Gives the last message of each subject to `take`. Between two batches it rests as long as the
// one took: a server that lists ten thousand keys at a stretch lets all others wait for it.
Result<std::set<std::string>> list(const Store& store, const std::string& filter, Take take) {
  using Clock = std::chrono::steady_clock;
  const auto& connection = store.connection;
  const std::string inbox = connection->new_inbox();
  auto listing = std::make_shared<Listing>();
  UNBOLT_ASSIGN(
      auto subscriber,
      connection->subscribe(
          inbox, "", [listing, take = std::move(take), prefix = store.prefix](Incoming incoming) {
            const bool kept = incoming.reply_to().starts_with("$JS.ACK.");
            std::lock_guard lock(listing->mutex);
            if (kept) {
              ++listing->messages;
              if (auto place = place_of(incoming.subject(), prefix, incoming.header(kKeyHeader)))
                take(*listing, *place, is_removal(incoming));
              listing->complete = is_last(incoming.reply_to());
            } else {
              listing->status = incoming.status();
            }
            if (!kept || listing->complete || listing->messages % kKeysAtOnce == 0)
              listing->changed.notify_all();
          }));
  LastMessages consumer(connection, store.stream);
  UNBOLT_ASSIGN(const auto count, consumer.open(filter));
  std::unique_lock lock(listing->mutex);
  listing->complete = count == 0;
  for (std::size_t wanted = 0; !listing->complete;) {
    const auto begun = Clock::now();
    consumer.ask(kKeysAtOnce, inbox);
    wanted += kKeysAtOnce;
    UNBOLT_TRY(await_messages(*listing, lock, wanted, *connection));
    if (listing->complete) break;
    lock.unlock();
    std::this_thread::sleep_for(Clock::now() - begun);
    lock.lock();
  }
  return std::move(listing->names);
}

// Every subject of the stream, from the server's own index: one answer, where a listing would be a
// message a key. None: there are more than it names at once.
Result<std::optional<json>> subjects_of(const Store& store) {
  const auto& connection = store.connection;
  UNBOLT_ASSIGN(auto answer, nats::run_here(nats::api(connection, "STREAM.INFO." + store.stream,
                                                      {{"subjects_filter", store.prefix + "*.*"}},
                                                      connection->deadline())));
  UNBOLT_ASSIGN(json info, nats::body_of(std::move(answer),
                                         connection->options().shown + ": listing buckets"));
  const auto total = info.value("total", std::uint64_t{0});
  json found = json::object();
  if (const auto state = info.find("state"); state != info.end() && state->is_object())
    if (const auto named = state->find("subjects"); named != state->end())
      found = std::move(*named);
  if (!found.is_object() || found.size() < total) return std::nullopt;
  return std::move(found);
}

// Those buckets of which one subject at least holds a value, and not the mark of a removal. None:
// the marks are too many to look at each.
Result<std::optional<std::set<std::string>>> buckets_among(const Store& store,
                                                           const json& subjects) {
  constexpr int kMostMarks = 64;
  std::set<std::string> buckets;
  int marks = 0;
  const auto shared = std::make_shared<const Store>(store);
  std::string found;  // how the subjects of the last one begin: they stand together
  for (const auto& [subject, count] : subjects.items()) {
    if (!found.empty() && subject.starts_with(found)) continue;
    const auto place = place_of(subject, store.prefix, encode(""));
    if (!place || buckets.contains(place->bucket)) continue;
    UNBOLT_ASSIGN(const auto entry, nats::run_here(read(shared, subject)));
    if (entry.value) {
      found = subject.substr(0, subject.rfind('.') + 1);
      buckets.insert(place->bucket);
    } else if (++marks > kMostMarks) {
      return std::nullopt;
    }
  }
  return buckets;
}

}  // namespace

Result<std::set<std::string>> keys_of(const Store& store, std::string_view bucket) {
  return list(store, store.prefix + encode(bucket) + ".*",
              [](Listing& listing, const Place& place, bool removed) {
                if (removed)
                  listing.names.erase(place.key);
                else
                  listing.names.insert(place.key);
              });
}

Result<std::set<std::string>> buckets_of(const Store& store) {
  UNBOLT_ASSIGN(const auto subjects, subjects_of(store));
  if (subjects) {
    UNBOLT_ASSIGN(auto buckets, buckets_among(store, *subjects));
    if (buckets) return std::move(*buckets);
  }
  return list(store, store.prefix + "*.*", [](Listing& listing, const Place& place, bool removed) {
    if (!removed) listing.names.insert(place.bucket);
  });
}

OpenListings::Names OpenListings::take(std::string_view bucket, std::string_view cursor) {
  std::lock_guard lock(mutex_);
  std::erase_if(all_, [now = Clock::now()](const Open& open) { return now - open.kept > kAge; });
  for (auto open = all_.begin(); open != all_.end(); ++open) {
    if (open->bucket != bucket || open->cursor != cursor) continue;
    Names names = std::move(open->names);
    all_.erase(open);
    return names;
  }
  return nullptr;
}

void OpenListings::keep(std::string_view bucket, std::string_view cursor, Names names) {
  std::lock_guard lock(mutex_);
  all_.push_front({std::string(bucket), std::string(cursor), std::move(names), Clock::now()});
  if (all_.size() > kMost) all_.pop_back();
}

}  // namespace unbolt::providers::nats_kv
