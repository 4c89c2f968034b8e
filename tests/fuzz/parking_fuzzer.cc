// Parking: many instances on one loop, whose calls wait, yield, trap, are cancelled, run out of
// time and are dropped, in the order that the input says. Whatever it is: each call ends exactly
// once, who has trapped is not entered again, the host's objects and frames all go, and nothing
// aborts (store.h has the rules).
#include <wasmtime.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "unbolt/component/testing/guest.h"

namespace {

using namespace unbolt;
using namespace unbolt::component;
using std::chrono::steady_clock;

constexpr std::size_t kPlaces = 6;
// What ends at all ends sooner: no wait that is let go lasts longer than a millisecond.
constexpr std::chrono::seconds kPatience{8};

// `run(n)` asks `next` again and again for what to do. An export of the component inside, a
// destructor of its own and the start function wait too.
constexpr std::string_view kGuest = R"((component
  (import "f:p/host" (instance $host
    (export "object" (type $object (sub resource)))
    (export "next" (func (result u32)))
    (export "tick" (func))
    (export "wait" (func (param "n" u32) (result u32)))
    (export "make" (func (result (own $object))))
    (export "look" (func (param "o" (borrow $object)) (result string)))
    (export "take" (func (param "o" (own $object))))))
  (alias export $host "object" (type $object))
  (alias export $host "wait" (func $wait))
  (component $inner
    (import "wait" (func $wait_ (param "n" u32) (result u32)))
    (core func $wait (canon lower (func $wait_)))
    (core module $m
      (import "h" "wait" (func $wait (param i32) (result i32)))
      (func (export "pass") (param i32) (result i32) (call $wait (local.get 0)))
      (func (export "dtor") (param i32) (drop (call $wait (local.get 0)))))
    (core instance $i (instantiate $m (with "h" (instance (export "wait" (func $wait))))))
    (alias core export $i "dtor" (core func $dtor))
    (type $own' (resource (rep i32) (dtor (core func $dtor))))
    (export $own "own" (type $own'))
    (core func $new (canon resource.new $own'))
    (core module $m2
      (import "h" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 5))))
    (core instance $i2 (instantiate $m2 (with "h" (instance (export "new" (func $new))))))
    (func (export "make") (result (own $own)) (canon lift (core func $i2 "make")))
    (func (export "pass") (param "n" u32) (result u32) (canon lift (core func $i "pass"))))
  (instance $nested (instantiate $inner (with "wait" (func $wait))))
  (alias export $nested "own" (type $own))
  (core module $libc_module
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $i i32)
      (loop $spin
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $spin (i32.lt_u (local.get $i) (i32.const 40))))
      (i32.const 1024)))
  (core instance $libc (instantiate $libc_module))
  (alias core export $libc "memory" (core memory $m))
  (alias core export $libc "realloc" (core func $r))
  (core func $next (canon lower (func $host "next")))
  (core func $tick (canon lower (func $host "tick")))
  (core func $wait_ (canon lower (func $wait)))
  (core func $make (canon lower (func $host "make")))
  (core func $look (canon lower (func $host "look") (memory $m) (realloc $r)))
  (core func $take (canon lower (func $host "take")))
  (core func $drop (canon resource.drop $object))
  (core func $pass (canon lower (func $nested "pass")))
  (core func $make_own (canon lower (func $nested "make")))
  (core func $drop_own (canon resource.drop $own))
  (core module $main_module
    (import "l" "memory" (memory 1))
    (import "h" "next" (func $next (result i32)))
    (import "h" "tick" (func $tick))
    (import "h" "wait" (func $wait (param i32) (result i32)))
    (import "h" "make" (func $make (result i32)))
    (import "h" "look" (func $look (param i32 i32)))
    (import "h" "take" (func $take (param i32)))
    (import "h" "drop" (func $drop (param i32)))
    (import "h" "pass" (func $pass (param i32) (result i32)))
    (import "h" "make-own" (func $make_own (result i32)))
    (import "h" "drop-own" (func $drop_own (param i32)))
    (global $handle (mut i32) (i32.const 0))
    (func $recurse (param i32) (result i32) (i32.add (i32.const 1) (call $recurse (local.get 0))))
    (func $start (drop (call $wait (i32.const 1))))
    (start $start)
    (func (export "run") (param $n i32) (result i32)
      (loop $again
        (block $end
        (block $10 (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
          (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $end (call $next)))
          (drop (call $wait (local.get $n))) (br $again))
          (call $tick) (br $again))
          (global.set $handle (call $make)) (br $again))
          (call $look (global.get $handle) (i32.const 64)) (br $again))
          (call $drop (global.get $handle)) (br $again))
          (call $take (global.get $handle)) (br $again))
          (drop (call $pass (local.get $n))) (br $again))
          (call $drop_own (call $make_own)) (br $again))
          (loop $forever (call $tick) (br $forever)))
          unreachable)
          (drop (call $recurse (i32.const 0)))))
      (local.get $n))
    (func (export "after") (param i32) (local $i i32)
      (loop $spin
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $spin (i32.lt_u (local.get $i) (i32.const 40))))))
  (core instance $main (instantiate $main_module (with "l" (instance $libc)) (with "h" (instance
    (export "next" (func $next)) (export "tick" (func $tick)) (export "wait" (func $wait_)) (export "make" (func $make))
    (export "look" (func $look)) (export "take" (func $take)) (export "drop" (func $drop)) (export "pass" (func $pass))
    (export "make-own" (func $make_own)) (export "drop-own" (func $drop_own))))))
  (func (export "run") (param "n" u32) (result u32)
    (canon lift (core func $main "run") (memory $m) (post-return (core func $main "after"))))))";

[[noreturn]] void broken(const char* invariant) {
  std::fprintf(stderr, "broken: %s\n", invariant);
  std::abort();
}
void expect(bool holds, const char* invariant) {
  if (!holds) broken(invariant);
}

// Stands on fibers and in coroutine frames, and for the host's objects: all of it has to go.
struct Counted {
  static inline int live = 0;
  Counted() { ++live; }
  ~Counted() { --live; }
  Counted(const Counted&) = delete;
};
struct Object {
  Counted counted;
};

// The input, taken byte by byte; zeros when it is used up.
struct Input {
  std::span<const std::uint8_t> bytes;
  std::uint8_t next() {
    if (bytes.empty()) return 0;
    const std::uint8_t first = bytes.front();
    bytes = bytes.subspan(1);
    return first;
  }
};

// A wait that ends when it is told to.
struct Event {
  Timer* timer = nullptr;
  bool happened = false;
};

struct World {
  Input input;
  wasm_engine_t* engine = nullptr;
  // Waits under way, in the order in which they began.
  std::deque<std::shared_ptr<Event>> events;

  void happen(std::size_t index) {
    const auto event = events[index];
    events.erase(events.begin() + static_cast<std::ptrdiff_t>(index));
    event->happened = true;
    event->timer->cancel();
  }
};

Task<> sleep(steady_clock::duration time) {
  Timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(use_task);
}

Task<> until(World& world) {
  Counted here;
  Timer timer(co_await asio::this_coro::executor, steady_clock::time_point::max());
  auto event = std::make_shared<Event>(&timer);
  world.events.push_back(event);
  struct Leave {
    World& world;
    const std::shared_ptr<Event>& event;
    ~Leave() { std::erase(world.events, event); }
  } leave{world, event};
  try {
    co_await timer.async_wait(use_task);
  } catch (const boost::system::system_error&) {
    if (!event->happened) throw;
  }
}

// What a host function waits for, by a byte of the input.
Task<> some_wait(World& world, std::uint8_t how) {
  Counted here;
  const auto executor = co_await asio::this_coro::executor;
  switch (how % 8) {
    case 0: co_return;
    case 1: co_await asio::post(use_task); co_return;
    case 2: co_await sleep(std::chrono::microseconds(how)); co_return;
    case 3:  // cannot be cancelled, and has a step after it
      co_await asio::co_spawn(executor, sleep(std::chrono::microseconds(how)),
                              asio::bind_cancellation_slot(asio::cancellation_slot(), use_task));
      co_await until(world);
      co_return;
    case 4: throw std::runtime_error("a bug at once");
    case 5: co_await asio::post(use_task); throw std::runtime_error("a bug later");
    default: co_await until(world); co_return;
  }
}

template <class T>
Task<T> later(World& world, std::uint8_t how, T value) {
  co_await some_wait(world, how);
  co_return value;
}

template <class T>
Reply<T> reply(Call& call, T value) {
  World& world = call.host<World>();
  const std::uint8_t how = world.input.next();
  if (how % 3 == 0) return value;
  return later(world, how / 3, std::move(value));
}

std::uint32_t next(Call& call) {
  World& world = call.host<World>();
  return world.input.bytes.empty() ? 255 : world.input.next() % 16;
}
// The guest yields at the next loop that it comes to.
void tick(Call& call) { wasmtime_engine_increment_epoch(call.host<World>().engine); }
Reply<std::uint32_t> wait(Call& call, std::uint32_t n) { return reply<std::uint32_t>(call, n); }
Task<Own<Object>> make_later(World& world, std::uint8_t how) {
  auto object = std::make_unique<Object>();
  co_await some_wait(world, how);
  co_return object;
}
Reply<Own<Object>> make(Call& call) {
  World& world = call.host<World>();
  const std::uint8_t how = world.input.next();
  if (how % 3 == 0) return std::make_unique<Object>();
  return make_later(world, how / 3);
}
Reply<std::string> look(Call& call, Borrow<Object> object) {
  expect(object.object != nullptr, "what is lent is there");
  tick(call);
  return reply<std::string>(call, "looked at");
}
void take(Call&, Own<Object> object) { expect(object != nullptr, "what is given is there"); }

// One instance and its call. The instance goes first: its fiber's frames look at the rest.
struct Place {
  enum class State : std::uint8_t { Starting, Ready, Calling, Dead } state = State::Starting;
  std::optional<ExportCall<std::uint32_t, std::uint32_t>> call;
  std::uint32_t argument = 0;
  // True where nothing drives the call: it may be dropped as it is.
  bool undriven = false;
  bool cancelled = false, has_deadline = false;
  Instance instance;

  Place(std::shared_ptr<const LinkedComponent> component, TestHost& host, World& world)
      : instance(std::move(component), host.fibers, &world, {}) {}
};

class Schedule {
 public:
  Schedule(TestHost& host, std::shared_ptr<const LinkedComponent> component, Input input)
      : host_(host), component_(std::move(component)), world_{input, host.engine.capi(), {}} {
    loop_.emplace();
  }

  void run() {
    const std::uint8_t end = world_.input.next();
    for (int steps = 0; !world_.input.bytes.empty() && steps < 400; ++steps) step();
    switch (end % 4) {
      case 0:  // the program goes: what waits is still there
        for (auto& place : places_) place.reset();
        loop_.reset();
        break;
      case 1:
        loop_.reset();
        for (auto& place : places_) place.reset();
        break;
      default: wind_up(end % 4 == 2); break;
    }
    expect(Counted::live == 0, "no object, frame or coroutine is left");
  }

 private:
  void step() {
    const std::uint8_t what = world_.input.next();
    const std::size_t which = (what >> 3) % kPlaces;
    switch (what & 7) {
      case 0:
      case 1: advance(which); break;
      case 2:
        if (!world_.events.empty()) world_.happen(world_.input.next() % world_.events.size());
        break;
      case 3: cancel(which); break;
      case 4: drop(which); break;
      case 5:
        if (places_[which]) set_deadline(*places_[which]);
        break;
      default:
        for (int turns = 1 + (what >> 3); turns > 0; --turns) turn();
        break;
    }
  }
  void turn() {
    loop_->restart();
    loop_->poll_one();
  }

  // Whatever comes next for this place.
  void advance(std::size_t which) {
    auto& place = places_[which];
    if (!place) {
      place = std::make_unique<Place>(component_, host_, world_);
      ++started_;
      spawn(which, [](Place& p) -> Task<std::optional<engine::Fault>> {
        co_return co_await p.instance.start();
      }(*place));
    } else if (place->state == Place::State::Ready) {
      call(which);
    } else if (place->state == Place::State::Dead) {
      enter_dead(*place);
    }
  }

  void call(std::size_t which) {
    Place& place = *places_[which];
    place.argument = world_.input.next();
    place.call.emplace(place.instance, *place.instance.component().find_export("", "run"),
                       place.argument);
    place.state = Place::State::Calling;
    place.cancelled = false;
    ++started_;
    if (place.call->begin()) {
      ended(which, place.instance.store().take_fault());
    } else if (world_.input.next() % 16 == 0) {
      place.undriven = true;
    } else {
      spawn(which, [](Place& p) -> Task<std::optional<engine::Fault>> {
        co_await p.instance.store().settle();
        co_return p.instance.store().take_fault();
      }(place));
    }
  }

  void spawn(std::size_t which, Task<std::optional<engine::Fault>> task) {
    // Signals outlive the loop, whose frames look at them.
    signals_[which] = &all_signals_.emplace_back();
    asio::co_spawn(*loop_, std::move(task),
                   asio::bind_cancellation_slot(
                       signals_[which]->slot(), [this, which](std::exception_ptr failure,
                                                              std::optional<engine::Fault> fault) {
                         expect(!failure, "a call ends without an exception");
                         ended(which, std::move(fault));
                       }));
  }

  void ended(std::size_t which, std::optional<engine::Fault> fault) {
    Place& place = *places_[which];
    expect(place.state == Place::State::Starting || place.state == Place::State::Calling,
           "a call ends once");
    ++ended_;
    if (fault) {
      using Kind = engine::Fault::Kind;
      expect(!fault->reason.empty(), "a fault has a reason");
      expect(fault->kind != Kind::Cancelled || place.cancelled, "who is cancelled has been");
      expect(fault->kind != Kind::Deadline || place.has_deadline, "who is late has a deadline");
    }
    if (!fault && place.state == Place::State::Calling)
      expect(place.call->result() == place.argument, "a call has its own result");
    place.state = fault ? Place::State::Dead : Place::State::Ready;
    place.call.reset();
    signals_[which] = nullptr;
  }

  // After a fault: nothing of the guest's runs.
  void enter_dead(Place& place) {
    const auto before = world_.input.bytes.size();
    ExportCall<std::uint32_t, std::uint32_t> again(
        place.instance, *place.instance.component().find_export("", "run"), 1);
    expect(again.begin(), "a dead instance answers at once");
    const auto fault = place.instance.store().take_fault();
    expect(fault && fault->reason == "cannot enter component instance", "a dead instance refuses");
    expect(world_.input.bytes.size() == before, "a dead instance does nothing");
  }

  void cancel(std::size_t which) {
    if (!signals_[which]) return;
    places_[which]->cancelled = true;
    signals_[which]->emit(asio::cancellation_type::terminal);
  }

  // Only where nothing of it is on the loop.
  void drop(std::size_t which) {
    auto& place = places_[which];
    if (!place) return;
    if (place->undriven) ++ended_;
    if (place->undriven || place->state == Place::State::Ready ||
        place->state == Place::State::Dead)
      place.reset();
  }

  void set_deadline(Place& place) {
    const std::uint8_t in = world_.input.next();
    place.has_deadline = true;
    place.instance.store().set_deadline(in >= 0x80 ? engine::Deadline::max()
                                                   : steady_clock::now() +
                                                         std::chrono::microseconds((in - 20) * 20));
  }

  // Everything ends: by itself where it can, else since it is cancelled.
  void wind_up(bool cancelled) {
    const auto patience = steady_clock::now() + kPatience;
    for (int round = 0; waiting(); ++round) {
      expect(steady_clock::now() < patience, "every call ends");
      while (!world_.events.empty()) world_.happen(0);
      // A guest may go round for ever.
      if (cancelled || round > 20) {
        for (std::size_t i = 0; i < kPlaces; ++i) cancel(i);
      }
      loop_->restart();
      for (int turns = 0; turns < 100 && loop_->poll_one() > 0; ++turns) continue;
      loop_->restart();
      loop_->run_one_for(std::chrono::microseconds(200));
    }
    for (std::size_t i = 0; i < kPlaces; ++i) drop(i);
    expect(started_ == ended_, "what was started has ended");
    for (auto& place : places_) expect(place == nullptr, "every instance could be dropped");
    loop_->restart();
    loop_->run();
  }
  bool waiting() const {
    return std::any_of(places_.begin(), places_.end(), [](const auto& place) {
      return place && !place->undriven &&
             (place->state == Place::State::Starting || place->state == Place::State::Calling);
    });
  }

  TestHost& host_;
  std::shared_ptr<const LinkedComponent> component_;
  World world_;
  std::deque<asio::cancellation_signal> all_signals_;
  std::optional<asio::io_context> loop_;
  std::array<asio::cancellation_signal*, kPlaces> signals_{};
  std::array<std::unique_ptr<Place>, kPlaces> places_;
  std::size_t started_ = 0, ended_ = 0;
};

struct Setting {
  TestHost host;
  std::shared_ptr<const LinkedComponent> component;
  Setting() {
    host.interfaces.add("f:p/host")
        .resource<Object>("object")
        .func<&next>("next")
        .func<&tick>("tick")
        .func<&wait>("wait")
        .func<&make>("make")
        .func<&look>("look")
        .func<&take>("take");
    auto linked = link_text(host, kGuest);
    if (!linked) throw std::runtime_error(linked.error().message);
    component = std::move(*linked);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Setting setting;
  if (size > 4096) return 0;
  Schedule(setting.host, setting.component, {{data, size}}).run();
  return 0;
}
