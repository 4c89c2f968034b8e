#include "unbolt/host/data_plane.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <atomic>

#include "unbolt/base/suspend.h"
#include "unbolt/host/failures.h"

namespace unbolt::host {

class ServiceLoop final : public http::Handler {
 public:
  ServiceLoop(std::size_t index, asio::io_context& io, const engine::FiberSupport& fibers, Log& log)
      : io_(io),
        client_(http::make_client(io.get_executor(), {})),
        services_{index,  io.get_executor(),
                  fibers, *client_,
                  log,    [this](std::string_view name) { return find(name); }},
        server_(http::make_server(io.get_executor(), *this, {}, log)) {}

  asio::io_context& io() { return io_; }
  http::Server& server() { return *server_; }
  const LoopServices& services() const { return services_; }

  void add(TargetId id, std::string name) {
    const auto index = static_cast<std::size_t>(id);
    if (targets_.size() <= index) targets_.resize(index + 1);
    targets_[index] = std::make_unique<Target>(std::move(name), services_);
  }
  Target* find(std::string_view name) {
    for (const auto& target : targets_) {
      if (target && target->name() == name) return target.get();
    }
    return nullptr;
  }
  // Null where it was removed.
  Target* find(TargetId id) {
    const auto index = static_cast<std::size_t>(id);
    return index < targets_.size() ? targets_[index].get() : nullptr;
  }
  void remove(TargetId id) {
    // Calls under way may still look at it: it stays, and serves nothing.
    if (Target* target = find(id)) target->retire();
  }
  void drop_holders() {
    for (const auto& target : targets_) {
      if (target) target->drop_holders();
    }
  }
  void route(std::shared_ptr<const RouteTable> routes) { routes_ = std::move(routes); }

  Task<> handle(http::Request& request, http::ResponseWriter& response) override {
    Target* target = nullptr;
    if (const auto id = routes_->find(request.head.authority, request.head.target))
      target = find(*id);
    if (target) co_return co_await target->handle(request, response);
    answer_with(response, 404, "no route leads here\n");
  }

 private:
  asio::io_context& io_;
  std::unique_ptr<http::Client> client_;
  LoopServices services_;
  std::vector<std::unique_ptr<Target>> targets_;
  std::shared_ptr<const RouteTable> routes_ = std::make_shared<RouteTable>();
  std::unique_ptr<http::Server> server_;
};

DataPlane::DataPlane(std::span<const std::unique_ptr<asio::io_context>> loops,
                     const engine::FiberSupport& fibers, Log& log) {
  for (const auto& io : loops)
    loops_.push_back(std::make_unique<ServiceLoop>(loops_.size(), *io, fibers, log));
}

DataPlane::~DataPlane() = default;

namespace {

// Ends when `count` others have said that they are done.
class Gathering {
 public:
  explicit Gathering(std::size_t count) : left_(count) {}
  void done() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) resume_();
  }
  void set_resume(Resume resume) { resume_ = std::move(resume); }

 private:
  std::atomic<std::size_t> left_;
  Resume resume_;
};

}  // namespace

Task<> DataPlane::on_each(std::function<void(ServiceLoop&)> change) {
  auto gathering = std::make_shared<Gathering>(loops_.size());
  co_await suspend([&](Resume resume) {
    gathering->set_resume(std::move(resume));
    // From the first post on, the task may be resumed and this frame gone.
    auto* const loops = &loops_;
    const auto shared = std::make_shared<std::function<void(ServiceLoop&)>>(std::move(change));
    for (std::size_t i = 0, count = loops->size(); i < count; ++i) {
      ServiceLoop& loop = *(*loops)[i];
      asio::post(loop.io(), [&loop, shared, gathering] {
        (*shared)(loop);
        gathering->done();
      });
    }
  });
}

Task<Result<>> DataPlane::serve(int listener) {
  std::vector<Result<>> started(loops_.size());
  co_await on_each(
      [&](ServiceLoop& loop) { started[loop.services().index] = loop.server().start(listener); });
  for (auto& each : started) {
    if (!each) co_return std::move(each);
  }
  co_return Result<>();
}

Task<> DataPlane::stop(std::chrono::milliseconds grace) {
  auto gathering = std::make_shared<Gathering>(loops_.size());
  co_await suspend([&](Resume resume) {
    gathering->set_resume(std::move(resume));
    for (const auto& loop : loops_) {
      asio::co_spawn(loop->io(), loop->server().stop(grace),
                     [gathering](std::exception_ptr) { gathering->done(); });
    }
  });
}

Task<TargetId> DataPlane::add(std::string name) {
  if (const auto known = targets_.find(name); known != targets_.end()) co_return known->second;
  const TargetId id{static_cast<std::uint32_t>(targets_.size())};
  targets_.emplace(name, id);
  co_await on_each([id, name = std::move(name)](ServiceLoop& loop) { loop.add(id, name); });
  co_return id;
}

Task<> DataPlane::publish(TargetId target, std::shared_ptr<const Deployment> next) {
  return on_each([target, next = std::move(next)](ServiceLoop& loop) {
    if (Target* found = loop.find(target)) found->publish(next);
    loop.drop_holders();
  });
}

Task<> DataPlane::publish_canary(TargetId target, std::shared_ptr<const Deployment> canary,
                                 unsigned percent) {
  return on_each([target, canary = std::move(canary), percent](ServiceLoop& loop) {
    if (Target* found = loop.find(target)) found->publish_canary(canary, percent);
  });
}

Task<> DataPlane::end_canary(TargetId target) {
  return on_each([target](ServiceLoop& loop) {
    if (Target* found = loop.find(target)) found->end_canary();
    loop.drop_holders();
  });
}

Task<> DataPlane::remove(TargetId target) {
  return on_each([target](ServiceLoop& loop) {
    loop.remove(target);
    loop.drop_holders();
  });
}

Task<> DataPlane::route(RouteTable table) {
  auto shared = std::make_shared<const RouteTable>(std::move(table));
  return on_each([shared = std::move(shared)](ServiceLoop& loop) { loop.route(shared); });
}

void DataPlane::post(TargetId target, std::move_only_function<void(Target&)> work) {
  const auto turn = next_loop_.fetch_add(1, std::memory_order_relaxed);
  ServiceLoop& loop = *loops_[turn % loops_.size()];
  asio::post(loop.io(), [&loop, target, work = std::move(work)]() mutable {
    if (Target* found = loop.find(target)) work(*found);
  });
}

}  // namespace unbolt::host
