// Host functions and calls by value: what they get, what they may answer, and what traps.
#include "unbolt/component/value_call.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include <fmt/format.h>

#include "unbolt/component/testing/guest.h"

namespace unbolt::component {
namespace {

using Answer = ValueFunction::Answer;

struct Thing {
  static inline int live = 0;
  explicit Thing(std::uint32_t n) : number(n) { ++live; }
  ~Thing() { --live; }
  Thing(const Thing&) = delete;
  std::uint32_t number;
};
struct Other {};

Value number(std::uint64_t n) { return {n}; }
Value text(std::string s) { return {std::move(s)}; }
Value tuple(auto... items) {
  Values values;
  (values.push_back(std::move(items)), ...);
  return {std::move(values)};
}

class ValueFunctions : public testing::Test {
 protected:
  // The guest passes what `run` is called with on to the host's `f`, and what that answers back.
  // `before` and `after` are code in between; $a is the first parameter, where it is one core
  // value.
  std::string component(std::string_view params, std::string_view core, std::string_view result,
                        std::string_view core_result, std::string_view before = "",
                        std::string_view after = "") {
    std::string passed;
    for (std::size_t i = 0; i < core.size(); ++i)
      passed += fmt::format("(param {}) ", core[i] == 'i' ? "i32" : "i64");
    std::string gets;
    for (std::size_t i = 0; i < core.size(); ++i) gets += fmt::format("(local.get {}) ", i);
    const bool in_memory = core_result == "memory";
    const std::string call = in_memory
                                 ? fmt::format("(call $f {} (i32.const 512)) (i32.const 512)", gets)
                                 : fmt::format("(call $f {})", gets);
    return fmt::format(
        R"((component
      (import "test:v/host" (instance $host
        (export "thing" (type $thing (sub resource)))
        (export "f" (func {params} {result}))))
      (alias export $host "thing" (type $thing))
      (core module $libc_module
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 1024))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (global.get $next) (global.set $next (i32.add (global.get $next) (i32.const 64)))))
      (core instance $libc (instantiate $libc_module))
      (alias core export $libc "memory" (core memory $m))
      (alias core export $libc "realloc" (core func $r))
      (core func $f (canon lower (func $host "f") (memory $m) (realloc $r)))
      (core func $drop (canon resource.drop $thing))
      (core module $main_module
        (import "h" "f" (func $f {passed} {lowered}))
        (import "h" "drop" (func $drop (param i32)))
        (func (export "run") {passed} {lifted} {before} {call} {after}))
      (core instance $main (instantiate $main_module (with "h" (instance (export "f" (func $f))
        (export "drop" (func $drop))))))
      (func (export "run") {params} {result} (canon lift (core func $main "run") (memory $m) (realloc $r)))))",
        fmt::arg("params", params), fmt::arg("result", result), fmt::arg("passed", passed),
        fmt::arg("lowered", in_memory             ? "(param i32)"
                            : core_result.empty() ? std::string()
                                                  : fmt::format("(result {})", core_result)),
        fmt::arg("lifted", in_memory             ? "(result i32)"
                           : core_result.empty() ? std::string()
                                                 : fmt::format("(result {})", core_result)),
        fmt::arg("before", before), fmt::arg("after", after), fmt::arg("call", call));
  }

  void answer(std::function<Reply<Answer>(Call&, Values)> f) {
    host.interfaces.add("test:v/host")
        .resource<Thing>("thing")
        .func("f", ValueFunction{std::move(f)});
  }

  // What came of it: the fault's reason, or "" and the result in `result`.
  std::string run(const std::string& wat, Values arguments) {
    Guest guest(host, wat);
    const ExportedFunc* func = guest.instance().component().find_export("", "run");
    ValueCall call(guest.instance(), *func, std::move(arguments));
    if (!call.begin()) run_task(host.loop, guest.instance().store().settle());
    const auto fault = guest.instance().store().take_fault();
    live_handles = guest.instance().live_handles();
    if (fault) return fault->describe();
    result = std::move(call.result());
    return "";
  }
  Values arguments(auto... items) { return std::get<Values>(tuple(std::move(items)...).of); }

  TestHost host;
  std::optional<Value> result;
  std::uint32_t live_handles = 0;
};

template <class T>
const T& as(const Value& value) {
  return std::get<T>(value.of);
}

TEST_F(ValueFunctions, GetTheirTypeAndTheirArguments) {
  answer([](Call& call, Values args) -> Reply<Answer> {
    EXPECT_EQ(call.name(), "f");
    EXPECT_EQ(call.interface_name(), "test:v/host");
    EXPECT_EQ(call.type().params.at(0).name, "a");
    EXPECT_EQ(as<std::uint64_t>(args.at(0)), 7u);
    EXPECT_EQ(as<std::string>(args.at(1)), "wörld");
    return Answer(tuple(text("hello " + as<std::string>(args[1])), number(9)));
  });
  ASSERT_EQ(run(component(R"((param "a" u8) (param "b" string))", "iii",
                          "(result (tuple string u16))", "memory"),
                arguments(number(7), text("wörld"))),
            "");
  EXPECT_EQ(as<std::string>(as<Values>(*result).at(0)), "hello wörld");
  EXPECT_EQ(as<std::uint64_t>(as<Values>(*result).at(1)), 9u);
}

TEST_F(ValueFunctions, MoreThanSixteenFlatParametersGoThroughMemory) {
  answer([](Call&, Values args) -> Reply<Answer> {
    std::uint64_t sum = 0;
    for (const Value& value : as<Values>(args.at(1))) sum += as<std::uint64_t>(value);
    return Answer(number(sum * 100 + as<std::uint64_t>(args.at(0))));
  });
  Values many;
  std::string type;
  for (std::uint64_t i = 0; i < 17; ++i) {
    many.push_back(number(i));
    type += " u64";
  }
  ASSERT_EQ(run(component(fmt::format(R"((param "a" u8) (param "b" (tuple{})))", type), "i",
                          "(result u64)", "i64"),
                arguments(number(3), Value{std::move(many)})),
            "");
  EXPECT_EQ(as<std::uint64_t>(*result), 13'603u);
}

TEST_F(ValueFunctions, AnswerLater) {
  answer([](Call&, Values args) -> Reply<Answer> {
    return [](Values values) -> Task<Answer> {
      Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
      co_await timer.async_wait(use_task);
      co_return Answer(std::move(values.at(0)));
    }(std::move(args));
  });
  ASSERT_EQ(run(component(R"((param "a" string))", "ii", "(result string)", "memory"),
                arguments(text("later"))),
            "");
  EXPECT_EQ(as<std::string>(*result), "later");
}

TEST_F(ValueFunctions, ErrorsTrapAndOtherShapesAreOurFault) {
  Answer next;
  answer([&](Call&, Values) -> Reply<Answer> { return std::move(next); });
  const std::string wat = component(R"((param "a" u8))", "i", "(result u8)", "i32");
  next = fail(ErrorCode::InvalidArgument, "not today");
  EXPECT_NE(run(wat, arguments(number(1))).find("not today"), std::string::npos);
  for (const auto& wrong : {256, -1}) {
    next = Answer(Value{std::int64_t{wrong}});
    EXPECT_NE(run(wat, arguments(number(1))).find("answered another type"), std::string::npos);
  }
  next = Answer(number(256));
  EXPECT_NE(run(wat, arguments(number(1))).find("answered another type"), std::string::npos);
  next = Answer(std::nullopt);
  EXPECT_NE(run(wat, arguments(number(1))).find("answered another type"), std::string::npos);
  next = Answer(number(255));
  EXPECT_EQ(run(wat, arguments(number(1))), "");
}

TEST_F(ValueFunctions, AnInterfaceMayAnswerWhateverIsAskedOfIt) {
  host.interfaces.add("test:v/host")
      .resource<Thing>("thing")
      .otherwise(ValueFunction{
          [](Call& call, Values) -> Reply<Answer> { return Answer(text(call.name())); }});
  ASSERT_EQ(run(component("", "", "(result string)", "memory"), {}), "");
  EXPECT_EQ(as<std::string>(*result), "f");
}

TEST_F(ValueFunctions, OwnHandlesChangeHands) {
  answer([](Call&, Values args) -> Reply<Answer> {
    auto thing = std::get<OwnValue>(args.at(0).of).take<Thing>();
    EXPECT_FALSE(std::get<OwnValue>(args[0].of).object());
    return Answer(Value{OwnValue(std::make_unique<Thing>(thing->number + 1))});
  });
  const std::string wat =
      component(R"((param "a" (own $thing)))", "i", "(result (own $thing))", "i32");
  ASSERT_EQ(run(wat, arguments(Value{OwnValue(std::make_unique<Thing>(7))})), "");
  EXPECT_EQ(std::get<OwnValue>(result->of).take<Thing>()->number, 8u);
  EXPECT_EQ(live_handles, 0u);
  EXPECT_EQ(Thing::live, 0);
}

TEST_F(ValueFunctions, WhatTheHostDoesNotTakeItDestroys) {
  answer([](Call&, Values) -> Reply<Answer> { return Answer(std::nullopt); });
  ASSERT_EQ(run(component(R"((param "a" (own $thing)))", "i", "", ""),
                arguments(Value{OwnValue(std::make_unique<Thing>(7))})),
            "");
  EXPECT_EQ(Thing::live, 0);
}

TEST_F(ValueFunctions, AnOwnHandleOfAnotherClassIsOurFault) {
  answer([](Call&, Values) -> Reply<Answer> {
    return Answer(Value{OwnValue(std::make_unique<Other>())});
  });
  EXPECT_NE(
      run(component("", "", "(result (own $thing))", "i32"), {}).find("answered another type"),
      std::string::npos);
}

TEST_F(ValueFunctions, BorrowsEndWithTheCall) {
  std::uint32_t seen = 0;
  answer([&](Call&, Values args) -> Reply<Answer> {
    seen = std::get<BorrowValue>(args.at(0).of).get<Thing>()->number;
    return Answer(std::nullopt);
  });
  Thing thing(5);
  const auto lend = [&] { return arguments(Value{BorrowValue{&kResourceTag<Thing>, &thing}}); };
  const auto with = [&](std::string_view after) {
    return component(R"((param "a" (borrow $thing)))", "i", "", "", "", after);
  };
  EXPECT_EQ(run(with("(call $drop (local.get 0))"), lend()), "");
  EXPECT_EQ(seen, 5u);
  EXPECT_NE(run(with(""), lend()).find("borrow handles still remain"), std::string::npos);
  EXPECT_EQ(Thing::live, 1);  // what was lent is not destroyed with the guest
}

TEST_F(ValueFunctions, WhatAGuestGaveAwayIsNoLongerItsOwn) {
  answer([](Call&, Values) -> Reply<Answer> { return Answer(std::nullopt); });
  const std::string wat =
      component(R"((param "a" (own $thing)))", "i", "", "", "", "(call $drop (local.get 0))");
  EXPECT_NE(run(wat, arguments(Value{OwnValue(std::make_unique<Thing>(7))})).find("unknown handle"),
            std::string::npos);
  EXPECT_EQ(Thing::live, 0);
}

TEST(CheckValues, NamesWhatIsInTheWay) {
  TestHost host;
  host.interfaces.add("test:v/host")
      .resource<Thing>("thing")
      .func("f",
            ValueFunction{[](Call&, Values) -> Reply<Answer> { return Answer(std::nullopt); }});
  const auto linked = link_text(host, R"((component
    (import "test:v/host" (instance $host
      (export "other" (type $other (sub resource)))
      (export "f" (func (param "a" (list (option (own $other))))))))))");
  ASSERT_FALSE(linked);
  EXPECT_NE(linked.error().message.find("test:v/host#f"), std::string::npos);
}

}  // namespace
}  // namespace unbolt::component
