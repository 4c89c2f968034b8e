// For tests: components that are linked to each other, each with its own pool on one loop, and
// calls into them with arguments and results as JSON.
#pragma once

#include <chrono>
#include <deque>
#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/component/value_call.h"
#include "unbolt/component/value_json.h"
#include "unbolt/engine/testing/wat.h"
#include "unbolt/host/component_link.h"
#include "unbolt/host/component_pool.h"

namespace unbolt::host {

// What a call answered, as JSON, or how it failed.
using Outcome = std::expected<std::string, engine::Fault>;

class LinkedWorld {
 public:
  struct Node {
    Node(LinkedWorld& world, std::string name, component::HostInterfaces imports,
         std::shared_ptr<const component::ComponentFile> file)
        : world_(world), interfaces(std::move(imports)) {
      served.name = std::move(name);
      served.limits.timeout = std::chrono::seconds(30);
      auto linked = component::LinkedComponent::link(std::move(file), world.engine, interfaces, {});
      if (!linked) throw std::runtime_error(linked.error().message);
      served.component = std::move(*linked);
    }

    std::unique_ptr<LiveInstance> lease() {
      auto live = run_task(world_.loop, pool.lease(deadline()));
      if (!live) throw std::runtime_error(live.error().describe());
      return std::move(*live);
    }
    engine::Deadline deadline() const {
      return std::chrono::steady_clock::now() + served.limits.timeout;
    }
    // A call by itself: leased for it and released after.
    Outcome call(std::string_view function, std::string_view arguments = "[]") {
      return run_task(world_.loop, begin(std::string(function), std::string(arguments)));
    }
    Task<Outcome> begin(std::string function, std::string arguments) {
      auto live = co_await pool.lease(deadline());
      if (!live) co_return std::unexpected(std::move(live).error());
      auto outcome = co_await begin_in(**live, function, arguments);
      if (outcome) pool.release(std::move(*live));
      co_return outcome;
    }
    Outcome call_in(LiveInstance& live, std::string_view function,
                    std::string_view arguments = "[]") {
      live.instance().store().set_deadline(deadline());
      return run_task(world_.loop, begin_in(live, function, arguments));
    }
    static Task<Outcome> begin_in(LiveInstance& live, std::string_view function,
                                  std::string_view arguments) {
      component::Instance& instance = live.instance();
      const auto* func = instance.component().find_export("", function);
      if (!func) throw std::runtime_error("no export " + std::string(function));
      auto values = component::arguments_from_text(*func->type, arguments);
      if (!values) throw std::runtime_error(values.error().message);
      component::ValueCall call(instance, *func, std::move(*values));
      if (!call.begin()) co_await instance.store().settle();
      if (auto fault = instance.store().take_fault()) co_return std::unexpected(std::move(*fault));
      std::string text;
      if (call.result()) component::write_json(*func->type->result, *call.result(), text);
      co_return text;
    }

    std::size_t live() const { return served.live_instances; }

   private:
    LinkedWorld& world_;

   public:
    component::HostInterfaces interfaces;
    ServedComponent served;
    ComponentSources sources;
    ComponentPool pool{served, world_.fibers, world_.client_, world_.loop.get_executor(), &sources};
    PoolSource source{pool};
  };

  // A component from its text, linked to the nodes by contract: each under its own name.
  Node& add(std::string name, std::string_view wat,
            std::vector<std::pair<std::string, Node*>> links = {}) {
    auto file = component::ComponentFile::load(engine::wat(wat));
    if (!file) throw std::runtime_error(file.error().message);
    component::HostInterfaces imports(&host);
    ComponentLinks to;
    for (const auto& [contract, node] : links)
      to[contract] = {node->served.name, node->served.name, node->served.component};
    if (auto linked = link_components(*file, to, imports); !links.empty() && !linked)
      throw std::runtime_error(linked.error().message);
    Node& node = nodes_.emplace_back(*this, std::move(name), std::move(imports), std::move(*file));
    for (const auto& [contract, callee] : links) {
      if (!node.sources.find(callee->served.name))
        node.sources.set(callee->served.name, callee->source);
    }
    return node;
  }

  engine::Engine engine{engine::EngineOptions{.max_instances = 0}};
  engine::FiberSupport fibers{engine};
  component::HostInterfaces host;
  asio::io_context loop;

 private:
  // Nobody here has a network.
  struct NoClient final : http::Client {
    Result<std::unique_ptr<http::ClientExchange>> start(http::RequestHead,
                                                        http::ClientTimeouts) override {
      return fail(ErrorCode::Denied, "no network in this test");
    }
  };
  NoClient client_;
  std::deque<Node> nodes_;  // callees before their callers
};

}  // namespace unbolt::host
