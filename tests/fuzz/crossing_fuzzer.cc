// Two hostile guests, one inside the other's file: what they pass on, answer, and give when they
// are asked for memory (`realloc`) is whatever their memories hold, which is the input. Values go
// from one to the other in all string encodings (transfer.h), to a host function that knows them by
// value (value.h) and back, and out of an export that the host calls by value (value_call.h).
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "unbolt/component/testing/guest.h"
#include "unbolt/component/value_call.h"

namespace {

using namespace unbolt;
using namespace unbolt::component;

// What is passed. `core` is how it is passed to a lowered function: i, l, f, d for i32, i64, f32,
// f64.
struct Passed {
  std::string_view type;
  std::string_view core;
  bool host = true;  // to the host too
};
constexpr Passed kPassed[] = {
    {"string", "ii"},
    {"(list string)", "ii"},
    {"(list u64)", "ii"},
    {"$variant", "ili"},
    {"$record", "iiiiifdii"},
    {"$large", "i"},
    {"(list (list (option char)))", "ii"},
    {"(list (list (tuple u8 string)))", "ii"},
    {"(result (list string) (error (tuple bool char)))", "iii"},
    {"(map string u32)", "ii"},
    {"(option (list $record))", "iii"},
    {"(own $own)", "i", false},
    {"(borrow $own)", "i", false},
    {"(list (own $own))", "ii", false},
    {"(tuple (borrow $own) (borrow $own))", "ii", false},
    {"(own $object)", "i"},
    {"(list (own $object))", "ii"},
    {"(tuple (borrow $object) (borrow $object))", "ii"},
};
constexpr std::size_t kTypes = std::size(kPassed);
constexpr std::array<std::string_view, 3> kEncodings{"utf8", "utf16", "latin1+utf16"};

// Where in each guest's memory its words lie.
constexpr int kArguments = 0;   // what it passes: eight bytes a core value
constexpr int kResults = 160;   // what it answers, the same
constexpr int kReallocs = 200;  // what it gives when it is asked for memory: 16 words
constexpr int kCalls = 264;     // what it calls: 12 bytes

bool has_borrow(const Passed& passed) {
  return passed.type.find("borrow") != std::string_view::npos;
}
std::string_view result_of(const Passed& passed) {
  return has_borrow(passed) ? "u32" : passed.type;
}
// One core value at most is no pointer.
bool answers_in_memory(const Passed& passed) {
  return !has_borrow(passed) && (passed.core.size() > 1 || passed.type == "$large");
}

std::string_view core_name(char core) {
  switch (core) {
    case 'l': return "i64";
    case 'f': return "f32";
    case 'd': return "f64";
    default: return "i32";
  }
}

std::string core_params(const Passed& passed) {
  std::string out = "(param";
  for (const char core : passed.core) out += fmt::format(" {}", core_name(core));
  if (answers_in_memory(passed)) out += " i32";
  return out + (answers_in_memory(passed) ? ")" : ") (result i32)");
}
std::string lifted_params(const Passed& passed) {
  std::string out = "(param";
  for (const char core : passed.core) out += fmt::format(" {}", core_name(core));
  return out + ") (result i32)";
}
// Calls what it is named with what lies at kArguments.
std::string call(std::string_view name, const Passed& passed) {
  std::string out = fmt::format("(call ${}", name);
  int at = kArguments;
  const auto load = [&](std::string_view type) {
    out += fmt::format(" ({}.load offset={} (i32.const 0))", type, at);
    at += 8;
  };
  for (const char core : passed.core) load(core_name(core));
  if (answers_in_memory(passed)) load("i32");
  out += ")";
  return answers_in_memory(passed) ? out : "(drop " + out + ")";
}

constexpr std::string_view kTypesText = R"(
    (type $variant' (variant (case "a") (case "b" u8) (case "c" f32) (case "d" f64) (case "e" string)
      (case "f" (list (tuple u8 string)))))
    (type $flags' (flags "a" "b" "c" "d" "e" "f" "g" "h" "i"))
    (type $enum' (enum "x" "y" "z")))";
constexpr std::string_view kRecord =
    R"((record (field "a" bool) (field "b" s8) (field "c" u16) (field "d" char) (field "e" s32)
      (field "f" f32) (field "g" f64) (field "h" $flags) (field "i" $enum)))";
constexpr std::string_view kLarge =
    R"((record (field "a" string) (field "b" (list u16)) (field "c" $variant) (field "d" $record)
      (field "e" string)))";

// The same types, named and exported (or imported as equal to what `equal` says).
std::string named_types() {
  return fmt::format(R"({}
    (export $variant "variant" (type $variant')) (export $flags "flags" (type $flags'))
    (export $enum "enum" (type $enum'))
    (type $record' {}) (export $record "record" (type $record'))
    (type $large' {}) (export $large "large" (type $large')))",
                     kTypesText, kRecord, kLarge);
}
std::string host_types() {
  return fmt::format(R"({}
    (export "variant" (type $variant (eq $variant'))) (export "flags" (type $flags (eq $flags')))
    (export "enum" (type $enum (eq $enum')))
    (type $record' {}) (export "record" (type $record (eq $record')))
    (type $large' {}) (export "large" (type $large (eq $large')))
    (export "object" (type $object (sub resource))))",
                     kTypesText, kRecord, kLarge);
}

std::string libc() {
  return fmt::format(R"(
  (core module $libc_module
    (memory (export "memory") 1)
    (global $asked (mut i32) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $asked (i32.and (i32.add (global.get $asked) (i32.const 4)) (i32.const 60)))
      (i32.load offset={reallocs} (global.get $asked))))
  (core instance $libc (instantiate $libc_module))
  (alias core export $libc "memory" (core memory $m))
  (alias core export $libc "realloc" (core func $r)))",
                     fmt::arg("reallocs", kReallocs));
}

std::string callee() {
  std::string funcs, lifts;
  for (std::size_t i = 0; i < kTypes; ++i) {
    funcs += fmt::format("(func (export \"f{}\") {} (i32.load offset={} (i32.const 0)))\n", i,
                         lifted_params(kPassed[i]), kResults);
    for (std::size_t e = 0; e < kEncodings.size(); ++e) {
      lifts += fmt::format(
          "(func (export \"f{0}-{1}\") (param \"x\" {2}) (result {3}) "
          "(canon lift (core func $main \"f{0}\") (memory $m) (realloc $r) "
          "string-encoding={4}))\n",
          i, e, kPassed[i].type, result_of(kPassed[i]), kEncodings[e]);
    }
  }
  return fmt::format(R"((component $callee
    (import "object" (type $object (sub resource)))
    {types} {libc}
    (type $own' (resource (rep i32)))
    (export $own "own" (type $own'))
    (core func $new (canon resource.new $own'))
    (core module $main_module
      (import "l" "memory" (memory 1))
      (import "h" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.load offset={results} (i32.const 0))))
      {funcs})
    (core instance $main (instantiate $main_module (with "l" (instance $libc))
      (with "h" (instance (export "new" (func $new))))))
    (func (export "make") (result (own $own)) (canon lift (core func $main "make")))
    {lifts}))",
                     fmt::arg("types", named_types()), fmt::arg("libc", libc()),
                     fmt::arg("funcs", funcs), fmt::arg("lifts", lifts),
                     fmt::arg("results", kResults));
}

// What the caller may call, each by one byte.
struct Callable {
  std::string import, lowering, call;
};
std::vector<Callable> callables() {
  std::vector<Callable> all;
  for (const std::string_view from : {"callee", "host"}) {
    all.push_back({fmt::format("(import \"h\" \"make-{0}\" (func $make_{0} (result i32)))", from),
                   fmt::format("(core func $make_{0} (canon lower (func ${0} \"make\")))", from),
                   fmt::format("(drop (call $make_{}))", from)});
  }
  const auto add = [&](std::string_view from, std::string_view name, const Passed& passed,
                       std::size_t encoding) {
    const std::string core = fmt::format("{}-{}-{}", from, name, encoding);
    all.push_back(
        {fmt::format("(import \"h\" \"{0}\" (func ${0} {1}))", core, core_params(passed)),
         fmt::format("(core func ${} (canon lower (func ${} \"{}\") (memory $m) (realloc $r) "
                     "string-encoding={}))",
                     core, from, name, kEncodings[encoding]),
         call(core, passed)});
  };
  for (std::size_t i = 0; i < kTypes; ++i) {
    for (std::size_t e = 0; e < kEncodings.size(); ++e) {
      if (kPassed[i].host) add("host", fmt::format("f{}", i), kPassed[i], e);
      for (std::size_t to = 0; to < kEncodings.size(); ++to)
        add("callee", fmt::format("f{}-{}", i, to), kPassed[i], e);
    }
  }
  return all;
}

std::string file() {
  const auto all = callables();
  std::string host_funcs, imports, lowerings, instance, blocks, targets, cases;
  for (std::size_t i = 0; i < kTypes; ++i) {
    if (!kPassed[i].host) continue;
    host_funcs += fmt::format("(export \"f{}\" (func (param \"x\" {}) (result {})))\n", i,
                              kPassed[i].type, result_of(kPassed[i]));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    imports += all[i].import + "\n";
    lowerings += all[i].lowering + "\n";
    blocks = fmt::format("(block $b{} ", i) + (i == 0 ? "" : "\n") + blocks;
    targets += fmt::format(" $b{}", i);
    cases += fmt::format(") {} (br $next)\n", all[i].call);
    // "h" "NAME" (func $name …
    const auto begin = all[i].import.find("\"h\" ") + 4;
    const auto name = all[i].import.substr(begin, all[i].import.find(' ', begin) - begin);
    auto id = name.substr(1, name.size() - 2);
    if (id.starts_with("make-")) std::replace(id.begin(), id.end(), '-', '_');
    instance += fmt::format("(export {} (func ${}))", name, id);
  }
  // Exports for the host, by value: what the guest answers is what lies at kResults.
  std::string exported, lifted;
  for (std::size_t i = 0; i < kTypes; ++i) {
    if (!kPassed[i].host || kPassed[i].type.find("$") != std::string_view::npos) continue;
    exported += fmt::format("(func (export \"e{}\") {} (i32.load offset={} (i32.const 0)))\n", i,
                            lifted_params(kPassed[i]), kResults);
    for (std::size_t e = 0; e < kEncodings.size(); ++e) {
      lifted += fmt::format(
          "(func (export \"e{0}-{1}\") (param \"x\" {2}) (result {3}) (canon lift (core func $main "
          "\"e{0}\") (memory $m) (realloc $r) string-encoding={4}))\n",
          i, e, kPassed[i].type, result_of(kPassed[i]), kEncodings[e]);
    }
  }
  return fmt::format(
      R"((component
    (import "f:c/host" (instance $host {host_types}
      (export "make" (func (result (own $object)))) {host_funcs}))
    (alias export $host "object" (type $object))
    {callee}
    (instance $callee (instantiate $callee (with "object" (type $object))))
    {libc} {lowerings}
    (core module $main_module
      (import "l" "memory" (memory 1))
      {imports}
      {exported}
      (func (export "run") (local $at i32)
        (loop $again
          (block $next
          {blocks}
            (br_table {targets} (i32.load8_u offset={calls} (local.get $at)))
          {cases})
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $at) (i32.const 12))))))
    (core instance $main (instantiate $main_module (with "l" (instance $libc))
      (with "h" (instance {instance}))))
    (func (export "run") (canon lift (core func $main "run")))
    {lifted}))",
      fmt::arg("host_types", host_types()), fmt::arg("host_funcs", host_funcs),
      fmt::arg("callee", callee()), fmt::arg("libc", libc()), fmt::arg("lowerings", lowerings),
      fmt::arg("imports", imports), fmt::arg("exported", exported), fmt::arg("blocks", blocks),
      fmt::arg("targets", targets), fmt::arg("cases", cases), fmt::arg("calls", kCalls),
      fmt::arg("instance", instance), fmt::arg("lifted", lifted));
}

struct Object {
  static inline int live = 0;
  Object() { ++live; }
  ~Object() { --live; }
  Object(const Object&) = delete;
};

// Answers what it was given, or how much it was where that is lent.
Reply<ValueFunction::Answer> answer(Call& call, Values values) {
  if (call.name() == "make")
    return ValueFunction::Answer(Value{OwnValue(std::make_unique<Object>())});
  const FuncType& type = call.type();
  if (!has_shape(*type.params[0].type, values[0], call.instance().component().resource_ids())) {
    std::fprintf(stderr, "broken: a lifted value has the shape of its type\n");
    std::abort();
  }
  if (type.result->kind == TypeKind::U32)
    return ValueFunction::Answer(Value{std::uint64_t{values.size()}});
  return ValueFunction::Answer(std::move(values[0]));
}

struct Setting {
  TestHost host;
  std::shared_ptr<const LinkedComponent> component;
  std::vector<const ExportedFunc*> by_value;
  std::array<std::uint32_t, 2> memories{};  // slots: the caller's, the callee's
  Setting() {
    host.interfaces.add("f:c/host").resource<Object>("object").otherwise({&answer});
    auto linked = link_text(host, file());
    if (!linked) throw std::runtime_error(linked.error().message);
    component = std::move(*linked);
    for (const auto& item : component->plan().exports) {
      if (item.name != "run") by_value.push_back(&item);
    }
    for (const auto& lift : component->plan().lifts) {
      if (lift.options.memory) memories[lift.instance == 0 ? 0 : 1] = *lift.options.memory;
    }
  }
};

// The two memories, one after the other.
void fill(Setting& setting, Instance& instance, std::span<const std::uint8_t> bytes) {
  const std::size_t half = bytes.size() / 2;
  const auto write = [&](std::uint32_t slot, std::span<const std::uint8_t> from) {
    if (!from.empty())
      std::memcpy(instance.store().memory_data(instance.memory(slot)), from.data(), from.size());
  };
  write(setting.memories[0], bytes.first(half));
  write(setting.memories[1], bytes.subspan(half));
}

// Some strings as the input has them, valid or not.
Value argument(const Type& type, std::span<const std::uint8_t> bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  using enum TypeKind;
  switch (type.kind) {
    case String: return {text};
    case List:
    case Map: {
      Values values;
      const Type& element = *type.children[type.kind == Map ? 2 : 0];
      for (std::size_t i = 0; i < bytes.size() % 4; ++i) values.push_back(argument(element, bytes));
      return {std::move(values)};
    }
    case Tuple: {
      Values values;
      for (const Type* field : type.children) values.push_back(argument(*field, bytes));
      return {std::move(values)};
    }
    case Option:
    case Result: {
      CaseValue chosen;
      chosen.index = bytes.size() % 2;
      if (const Type* payload = type.children[chosen.index])
        chosen.payload = std::make_unique<Value>(argument(*payload, bytes));
      return {std::move(chosen)};
    }
    case Bool: return {true};
    case Char: return {U'\u00e9'};
    default: return {std::uint64_t{bytes.size() % 256}};
  }
}

void call_by_value(Setting& setting, Instance& instance, std::uint8_t which,
                   std::span<const std::uint8_t> bytes) {
  const ExportedFunc& func = *setting.by_value[which % setting.by_value.size()];
  Values arguments;
  arguments.push_back(
      argument(*func.type->params[0].type, bytes.first(std::min<std::size_t>(bytes.size(), 99))));
  ValueCall call(instance, func, std::move(arguments));
  if (!call.begin()) run_task(setting.host.loop, instance.store().settle());
  if (instance.store().take_fault()) return;
  if (!has_shape(*func.type->result, call.result().value(), {})) {
    std::fprintf(stderr, "broken: a result has the shape of its type\n");
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Setting setting;
  if (size < 2 || size > 65'536) return 0;
  const std::span<const std::uint8_t> bytes(data + 2, size - 2);
  {
    Guest guest(setting.host, setting.component);
    if (guest.start()) std::abort();
    fill(setting, guest.instance(), bytes);
    if (data[0] % 4 == 0) {
      call_by_value(setting, guest.instance(), data[1], bytes);
    } else {
      (void)guest.call("run");
    }
  }
  if (Object::live != 0) {
    std::fprintf(stderr, "broken: no object is left\n");
    std::abort();
  }
  return 0;
}
