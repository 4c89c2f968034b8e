#include "unbolt/providers/kv_nats/batch_read.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "unbolt/contracts/key_value.h"

namespace unbolt::providers::nats_kv {
namespace {

using nats::Incoming;
using nlohmann::json;

// At the end of what the server gives together.
constexpr int kEndOfBatch = 204, kNothingFound = 404;
// So many subjects a request: the server looks them up at a stretch, and all others wait for it.
constexpr std::size_t kPiece = 64;

// What has come so far.
struct Answers {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, std::optional<Bytes>, std::less<>> values;
  std::size_t bytes = 0, messages = 0;
  Result<> fits;
  int end = 0;  // the status that ended them
  bool all = false;
};

void take(Answers& answers, const Incoming& incoming) {
  std::lock_guard lock(answers.mutex);
  if (const int status = incoming.status(); status != 0) {
    answers.end = status;
    answers.all =
        status == kNothingFound ||
        (status == kEndOfBatch && incoming.header("Nats-Num-Pending").value_or("0") == "0");
    answers.changed.notify_all();
    return;
  }
  ++answers.messages;
  const auto subject = incoming.header("Nats-Subject");
  if (!subject || !answers.fits) return;
  std::optional<Bytes> value;
  if (!is_removal(incoming)) value = to_bytes(incoming.body());
  if (value) answers.bytes += value->size();
  answers.fits = contracts::check_answer(answers.bytes);
  answers.values.insert_or_assign(std::string(*subject), std::move(value));
}

using Subjects = std::span<const std::string>;
using ByName = std::map<std::string, std::optional<Bytes>, std::less<>>;

// Blocks. None: the server did not give all of them.
Result<std::optional<ByName>> read_piece(const Store& store, Subjects subjects) {
  const auto& connection = store.connection;
  const std::string inbox = connection->new_inbox();
  auto answers = std::make_shared<Answers>();
  UNBOLT_ASSIGN(auto subscriber,
                connection->subscribe(
                    inbox, "", [answers](const Incoming& incoming) { take(*answers, incoming); }));
  const std::set<std::string_view> wanted(subjects.begin(), subjects.end());
  const json request = {{"multi_last", wanted}, {"batch", wanted.size()}};
  connection->send(
      {"$JS.API.DIRECT.GET." + store.stream, to_bytes(as_bytes(request.dump())), inbox, {}});
  std::unique_lock lock(answers->mutex);
  // As long as they come it may take its time.
  auto until = connection->deadline();
  for (auto seen = answers->messages; answers->end == 0;) {
    if (answers->changed.wait_until(lock, until) != std::cv_status::timeout) continue;
    if (answers->messages == seen)
      return fail(ErrorCode::Timeout, "{}: the values were not read in time",
                  connection->options().shown);
    seen = answers->messages;
    until = connection->deadline();
  }
  UNBOLT_TRY(answers->fits);
  if (!answers->all) return std::nullopt;
  return std::move(answers->values);
}

}  // namespace

Result<std::optional<Values>> read_together(const Store& store, Subjects subjects) {
  Values values;
  values.reserve(subjects.size());
  std::size_t bytes = 0;
  while (!subjects.empty()) {
    const auto piece = subjects.first(std::min(subjects.size(), kPiece));
    subjects = subjects.subspan(piece.size());
    UNBOLT_ASSIGN(const auto answer, read_piece(store, piece));
    if (!answer) return std::nullopt;
    for (const std::string& subject : piece) {
      const auto found = answer->find(subject);
      auto& value = values.emplace_back();
      if (found == answer->end() || !found->second) continue;
      bytes += found->second->size();
      UNBOLT_TRY(contracts::check_answer(bytes));
      value = found->second;
    }
  }
  return values;
}

}  // namespace unbolt::providers::nats_kv
