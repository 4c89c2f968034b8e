// Compares the component layer with the reference engine's own on random cases (README.md):
//
//   oracle_test --oracle PROGRAM [--seed N] [--cases N] [--keep DIR]
//   oracle_test --oracle PROGRAM --replay FILE...
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

#include "cases.h"
#include "oracle.h"
#include "ours.h"
#include "unbolt/engine/testing/wat.h"

namespace unbolt::oracle {
namespace {

constexpr std::uint32_t kCasesEach = 40;
constexpr int kShrinkTries = 600;
constexpr int kEnoughDifferences = 10;

struct Arguments {
  std::string oracle;
  std::uint64_t seed = 1, cases = 4000;
  std::filesystem::path keep = ".";
  std::vector<std::string> replay;
};

class Comparison {
 public:
  explicit Comparison(const Arguments& arguments)
      : arguments_(arguments), oracle_(arguments.oracle) {}

  int random() {
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t components = 0;
    for (std::uint64_t done = 0; done < arguments_.cases; ++components) {
      const auto count =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(kCasesEach, arguments_.cases - done));
      one_component(arguments_.seed * 1'000'003 + components, count);
      done += count;
      if (differences_ >= kEnoughDifferences) break;
      if (components % 2500 == 2499) fmt::print(stderr, "oracle: {} cases\n", done);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    fmt::print(
        "oracle: seed {}: {} cases of {} components in {:.0f} s: {} ran, {} trapped; {} differ\n",
        arguments_.seed, ran_ + trapped_, components, took.count(), ran_, trapped_, differences_);
    for (const auto& [name, times] : traps_) fmt::print("  {:8} {}\n", times, name);
    return differences_ == 0 ? 0 : 1;
  }

  int replay() {
    int failed = 0;
    for (const auto& name : arguments_.replay) {
      std::ifstream file(name);
      const KeptCase kept = from_file(std::string(std::istreambuf_iterator<char>(file), {}));
      const std::string found = compare(engine::wat(kept.component), {kept.one}).front();
      if (found.empty()) continue;
      ++failed;
      fmt::print("{}: {}\n", name, found);
    }
    fmt::print("oracle: {} kept cases, {} differ\n", arguments_.replay.size(), failed);
    return failed == 0 ? 0 : 1;
  }

 private:
  // What differs, case by case.
  std::vector<std::string> compare(ByteView component, const std::vector<RawCase>& cases) {
    oracle_.send(component, cases);
    std::vector<Outcome> ours;
    std::string refused;
    try {
      ours = ours_.run(component, cases);
    } catch (const std::exception& e) {
      refused = e.what();
    }
    const auto theirs = oracle_.receive();
    std::vector<std::string> found(cases.size());
    if (!theirs || !refused.empty()) {
      if (theirs || refused.empty()) {
        found.front() = theirs ? "only ours refuses the component: " + refused
                               : "only theirs refuses the component: " + theirs.error();
      } else {
        throw std::runtime_error("both refuse a component: " + theirs.error());
      }
      return found;
    }
    for (std::size_t i = 0; i < cases.size(); ++i) {
      found[i] = difference(cases[i], ours[i], (*theirs)[i]);
      ours[i].trap ? ++trapped_ : ++ran_;
      if (ours[i].trap) ++traps_[name_of(classify(*ours[i].trap))];
    }
    return found;
  }

  std::string compare(const Trial& trial) {
    return compare(engine::wat(component_text(trial.signature)),
                   {raw_case(trial.signature, trial.one)})
        .front();
  }

  void one_component(std::uint64_t seed, std::uint32_t count) {
    Random random(seed);
    const Signature signature = random_signature(random);
    std::vector<Case> cases;
    std::vector<RawCase> raw;
    for (std::uint32_t i = 0; i < count; ++i) {
      cases.push_back(random_case(random, signature));
      raw.push_back(raw_case(signature, cases.back()));
    }
    const std::string text = component_text(signature);
    std::vector<std::string> found;
    try {
      found = compare(engine::wat(text), raw);
    } catch (const std::exception& e) {
      throw std::runtime_error(fmt::format("component {}: {}\n{}", seed, e.what(), text));
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      if (found[i].empty()) continue;
      ++differences_;
      report(seed, i, {signature, cases[i]}, found[i]);
      break;  // the others of this component most often show the same
    }
  }

  void report(std::uint64_t seed, std::uint32_t number, Trial trial, const std::string& found) {
    fmt::print("component {} case {}: {}\n", seed, number, found);
    const Trial smallest = shrink(
        std::move(trial), [&](const Trial& less) { return !compare(less).empty(); }, kShrinkTries);
    const std::string why = compare(smallest);
    const auto path = arguments_.keep / fmt::format("{}-{}.wat", seed, number);
    std::ofstream(path) << to_file(
        {raw_case(smallest.signature, smallest.one), component_text(smallest.signature)}, why);
    fmt::print("  in short: {}\n  kept in {}\n", why, path.string());
    std::fflush(stdout);
  }

  const Arguments& arguments_;
  Oracle oracle_;
  Ours ours_;
  std::uint64_t ran_ = 0, trapped_ = 0;
  int differences_ = 0;
  std::map<std::string_view, std::uint64_t> traps_;
};

Arguments parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--replay") {
      out.replay.assign(argv + i + 1, argv + argc);
      break;
    }
    if (i + 1 == argc) throw std::runtime_error(fmt::format("{} needs a value", name));
    const std::string value = argv[++i];
    if (name == "--oracle") {
      out.oracle = value;
    } else if (name == "--seed") {
      out.seed = std::stoull(value);
    } else if (name == "--cases") {
      out.cases = std::stoull(value);
    } else if (name == "--keep") {
      out.keep = value;
    } else {
      throw std::runtime_error(fmt::format("unknown option {}", name));
    }
  }
  if (out.oracle.empty()) throw std::runtime_error("--oracle is missing");
  return out;
}

}  // namespace
}  // namespace unbolt::oracle

int main(int argc, char** argv) {
  try {
    const auto arguments = unbolt::oracle::parse(argc, argv);
    unbolt::oracle::Comparison comparison(arguments);
    return arguments.replay.empty() ? comparison.random() : comparison.replay();
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return 2;
  }
}
