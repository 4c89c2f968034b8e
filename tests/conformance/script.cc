#include "script.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "constants.h"
#include "unbolt/base/testing/run_task.h"
#include "unbolt/component/decoder.h"
#include "unbolt/component/value_call.h"

namespace unbolt::conformance {
namespace {

using component::ComponentFile;
using component::ExportedFunc;
using component::Instance;
using component::LinkedComponent;
using component::Value;
using component::ValueCall;
using component::Values;
using nlohmann::json;

// Of one call or instantiation.
constexpr std::chrono::seconds kTimeout{5};

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(fmt::format("cannot read {}", path.string()));
  return {std::istreambuf_iterator<char>(in), {}};
}

Outcome passed() { return {}; }
Outcome failed(std::string why) { return {Outcome::Status::Failed, std::move(why)}; }

std::string text_of(const json& object, const char* key) {
  return object.contains(key) ? object[key].get<std::string>() : std::string();
}

// The binary where a text was translated, too.
std::string file_of(const json& command) {
  return text_of(command, command.contains("binary_filename") ? "binary_filename" : "filename");
}

// What was said, and what the suite wants to be said. What an engine puts in front of its traps is
// no part of it.
Outcome compare_text(const std::string& said, std::string_view wanted) {
  constexpr std::string_view kPrefix = "wasm trap: ";
  if (wanted.starts_with(kPrefix)) wanted.remove_prefix(kPrefix.size());
  if (said.contains(wanted)) return passed();
  return failed(fmt::format("expected '{}', got '{}'", wanted, said));
}

}  // namespace

Script::Script(std::filesystem::path folder, bool newer_validator)
    : folder_(std::move(folder)),
      newer_validator_(newer_validator),
      engine_({.max_instances = 0}),
      fibers_(engine_) {
  add_host(host_);
  const json all = json::parse(std::ifstream(folder_ / "commands.json"));
  commands_ = all.at("commands");
  verdicts_ = all.at("verdicts");
}

Result<Script::File> Script::load(const json& command) const {
  return ComponentFile::load(read_file(folder_ / file_of(command)));
}

Outcome Script::carry_out(const json& command) {
  const std::string type = command.at("type");
  if (type == "module_definition" || type == "module") {
    Outcome outcome = define(command);
    if (type == "module" && outcome.status == Outcome::Status::Passed)
      return instantiate(last_file_, text_of(command, "name"));
    return outcome;
  }
  if (type == "module_instance") {
    const std::string of = text_of(command, "module");
    const File file = of.empty() ? last_file_ : files_[of];
    if (!file) return failed(fmt::format("there is no component '{}'", of));
    return instantiate(file, text_of(command, "instance"));
  }
  if (type == "register") {
    const std::string of = text_of(command, "name");
    const auto live = of.empty() ? last_ : instances_[of];
    if (!live) return failed(fmt::format("there is no instance '{}'", of));
    instances_[text_of(command, "as")] = live;
    return passed();
  }
  if (type == "action") return invoke(command.at("action"), nullptr, nullptr);
  if (type == "assert_return")
    return invoke(command.at("action"), &command.at("expected"), nullptr);
  if (type == "assert_trap" || type == "assert_exhaustion") {
    const std::string text = command.at("text");
    return invoke(command.at("action"), nullptr, &text);
  }
  if (type == "assert_invalid" || type == "assert_malformed") return rejected(command);
  if (type == "assert_unlinkable") return unlinkable(command);
  if (type == "assert_uninstantiable") {
    auto file = load(command);
    if (!file) return failed(file.error().message);
    const Outcome outcome = instantiate(*file, {});
    if (outcome.status == Outcome::Status::Passed) return failed("it can be instantiated");
    return compare_text(outcome.why, command.at("text").get<std::string>());
  }
  return failed(fmt::format("an unknown command: {}", type));
}

Outcome Script::define(const json& command) {
  last_file_ = nullptr;
  auto file = load(command);
  const std::string name = text_of(command, "name");
  if (!name.empty()) files_[name] = file ? *file : nullptr;
  if (!file) return failed(file.error().message);
  last_file_ = *file;
  return passed();
}

Outcome Script::instantiate(const File& file, const std::string& name) {
  last_ = nullptr;
  if (!name.empty()) instances_[name] = nullptr;
  // What is asynchronous is tried as far as it goes; the expectations say what it must come to.
  auto linked = LinkedComponent::link(
      file, engine_, host_,
      {.unsupported = component::CompileOptions::Unsupported::TrapWhenReached});
  if (!linked) return failed(linked.error().message);
  auto live = std::make_shared<Live>();
  live->instance = std::make_unique<Instance>(*linked, fibers_, &state_,
                                              engine::StoreLimits{.memory_bytes = 16ull << 30});
  live->instance->store().set_deadline(std::chrono::steady_clock::now() + kTimeout);
  if (auto fault = run_task(loop_, live->instance->start())) return failed(fault->reason);
  last_ = live;
  if (!name.empty()) instances_[name] = live;
  return passed();
}

Outcome Script::invoke(const json& action, const json* expected, const std::string* trap) {
  const std::string of = text_of(action, "module");
  const auto live = of.empty() ? last_ : instances_[of];
  if (!live) return failed("there is no instance, since it could not be made");
  Instance& instance = *live->instance;
  const std::string field = action.at("field");
  const ExportedFunc* func = instance.component().find_export("", field);
  if (!func) return failed(fmt::format("there is no function '{}'", field));
  const auto& type = *func->type;
  if (auto can = component::check_values(type, instance.component().resource_ids()); !can)
    return failed(can.error().message);

  const json& args = action.at("args");
  if (args.size() != type.params.size())
    return failed(fmt::format("'{}' takes {} arguments", field, type.params.size()));
  Values arguments;
  for (std::size_t i = 0; i < args.size(); ++i)
    arguments.push_back(read_constant(*type.params[i].type, args[i]));

  instance.store().set_deadline(std::chrono::steady_clock::now() + kTimeout);
  ValueCall call(instance, *func, std::move(arguments));
  if (!call.begin()) run_task(loop_, instance.store().settle());
  const auto fault = instance.store().take_fault();
  if (trap) {
    if (!fault) return failed(fmt::format("expected a trap '{}', but it returned", *trap));
    return compare_text(fault->reason, *trap);
  }
  if (fault) return failed(fault->reason);
  if (!expected) return passed();
  if (expected->size() != (type.result ? 1u : 0u))
    return failed(fmt::format("'{}' returns {} value", field, type.result ? "a" : "no"));
  if (type.result && !equal(*call.result(), read_constant(*type.result, expected->at(0))))
    return failed(fmt::format("'{}' returned another value than {}", field, expected->dump()));
  return passed();
}

Outcome Script::rejected(const json& command) {
  const std::string text = command.at("text");
  const std::string file = file_of(command);
  // What is text is the parser's to judge.
  if (newer_validator_ || command.at("module_type") == "text") {
    const json& verdict = verdicts_.at(file);
    if (verdict.is_null()) return failed("the validator accepts it");
    return compare_text(verdict.get<std::string>(), text);
  }
  if (const auto loaded = load(command); !loaded) return compare_text(loaded.error().message, text);
  // The bodies of functions are checked when they are compiled.
  const auto bodies = component::validate(read_file(folder_ / file), component::Bodies::Check);
  if (!bodies) return compare_text(bodies.error().message, text);
  return failed(fmt::format("expected '{}', but it was accepted", text));
}

Outcome Script::unlinkable(const json& command) {
  auto file = load(command);
  if (!file) return failed(file.error().message);
  const auto linked = LinkedComponent::link(*file, engine_, host_, {});
  if (linked) return failed("it can be linked");
  return compare_text(linked.error().message, command.at("text").get<std::string>());
}

}  // namespace unbolt::conformance
