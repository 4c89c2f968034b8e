#include "unbolt/providers/sql_postgres/canceller.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "unbolt/postgres/library.h"

namespace unbolt::providers::sql_postgres {

using postgres::pq;

struct Canceller::State {
  struct Free {
    void operator()(PGcancel* request) const { pq().PQfreeCancel(request); }
  };
  struct Request {
    std::unique_ptr<PGcancel, Free> cancel;
    Sent sent;
  };

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Request> requests;
  bool started = false, stopping = false;
  // Held while `sent` runs: the destructor waits for it, which does not block.
  std::mutex telling;

  void work() {
    while (true) {
      Request request;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [this] { return stopping || !requests.empty(); });
        if (requests.empty()) return;
        request = std::move(requests.front());
        requests.pop_front();
      }
      char why[256];
      // Where it fails, the deadline of the statement ends it at the server.
      if (request.cancel) (void)pq().PQcancel(request.cancel.get(), why, sizeof why);
      std::lock_guard hold(telling);
      {
        std::lock_guard lock(mutex);
        if (stopping) continue;
      }
      request.sent();
    }
  }
};

Canceller::Canceller() : state_(std::make_shared<State>()) {}

Canceller::~Canceller() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  std::lock_guard told(state_->telling);
}

void Canceller::cancel(PGconn* connection, Sent sent) {
  State::Request request{decltype(State::Request::cancel)(pq().PQgetCancel(connection)),
                         std::move(sent)};
  std::lock_guard lock(state_->mutex);
  state_->requests.push_back(std::move(request));
  if (!std::exchange(state_->started, true)) {
    std::thread thread([state = state_] { state->work(); });
    pthread_setname_np(thread.native_handle(), "sql_cancel");
    thread.detach();
  }
  state_->wake.notify_one();
}

}  // namespace unbolt::providers::sql_postgres
