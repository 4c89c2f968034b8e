#include "unbolt/postgres/opening.h"

#include <boost/asio/co_spawn.hpp>

#include <future>
#include <utility>

namespace unbolt::postgres {

Error no_answer(const ServerOptions& options) {
  return Error{
      ErrorCode::Unavailable,
      fmt::format("{} does not answer within {} ms", options.shown, options.timeout.count()),
      "is it running, and reachable from here?"};
}

Result<> first_answer(asio::io_context& loop, Task<Result<>> task,
                      std::chrono::milliseconds patience, const ServerOptions& options) {
  auto first = std::make_shared<std::promise<Result<>>>();
  auto outcome = first->get_future();
  asio::co_spawn(loop, std::move(task), [first](std::exception_ptr failure, Result<> result) {
    if (failure) {
      first->set_exception(failure);
    } else {
      first->set_value(std::move(result));
    }
  });
  if (outcome.wait_for(patience) != std::future_status::ready)
    return std::unexpected(no_answer(options));
  return outcome.get();
}

Result<std::shared_ptr<void>> Admission::admit(std::size_t bytes) {
  const std::size_t calls = ++waiting_->calls;
  const std::size_t total = waiting_->bytes += bytes;
  std::shared_ptr<void> place(nullptr, [waiting = waiting_, bytes](void*) {
    --waiting->calls;
    waiting->bytes -= bytes;
  });
  if (calls <= options_.max_waiting && (total <= options_.max_waiting_bytes || calls == 1))
    return place;
  return std::unexpected(
      Error{ErrorCode::LimitExceeded,
            fmt::format("{} {} with {} bytes wait for {} already: it does not keep up", calls - 1,
                        calls_, total - bytes, options_.shown),
            {}});
}

}  // namespace unbolt::postgres
