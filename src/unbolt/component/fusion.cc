#include "unbolt/component/fusion.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "unbolt/component/binary_reader.h"

namespace unbolt::component {
namespace {

// What an instance from the engine's pool may have.
constexpr std::uint32_t kMaxMemories = 4, kMaxTables = 8;

struct Survey {
  // False: it has a start function, or line tables, which would not fit any more; or it cannot be
  // read, of which the engine has more to say.
  bool fusable = true;
  std::uint32_t memories = 0, tables = 0;
};

Survey survey(ByteView module) {
  constexpr std::uint8_t kCustom = 0, kTable = 4, kMemory = 5, kStart = 8;
  Survey found;
  try {
    BinaryReader in(module.subspan(8));
    while (!in.at_end()) {
      const auto id = in.byte();
      BinaryReader section = in.part(in.u32());
      if (id == kStart || (id == kCustom && section.name().starts_with(".debug_"))) {
        found.fusable = false;
      }
      if (id == kTable) found.tables += section.count();
      if (id == kMemory) found.memories += section.count();
    }
  } catch (const DecodeError&) {
    found.fusable = false;
  }
  return found;
}

const CoreExportRef* export_of(const CoreRef& ref) { return std::get_if<CoreExportRef>(&ref); }

class Fuser {
 public:
  explicit Fuser(const Plan& plan)
      : plan_(plan),
        modules_used_(plan.modules.size()),
        run_of_(plan.steps.size(), kNone),
        uses_(plan.steps.size()) {
    for (const Step& step : plan.steps) {
      if (!step.skipped) ++modules_used_[step.module];
    }
  }

  std::vector<Fusion> fusions() {
    find_runs();
    find_uses();
    std::vector<Fusion> fusions;
    for (const auto& run : runs_) {
      if (run.size() > 1) fusions.push_back(fuse(run));
    }
    return fusions;
  }

 private:
  static constexpr std::uint32_t kNone = ~0u;
  // Who takes an item: a step, or none, which is at run time.
  struct Use {
    const CoreRef* item;
    std::uint32_t by;
  };

  // ---- The steps that go together

  void find_runs() {
    for (std::uint32_t i = 0; i < plan_.steps.size(); ++i) {
      const Step& step = plan_.steps[i];
      if (!step.skipped) {
        take(i);
      } else if (step.starts || (step.table && !in_run(*step.table))) {
        end_run();  // guest code runs, or a table of somebody else's changes
      }
    }
  }

  void take(std::uint32_t index) {
    const Step& step = plan_.steps[index];
    // Twice the same module would be compiled twice.
    const Survey found = modules_used_[step.module] == 1 ? survey(plan_.modules[step.module].bytes)
                                                         : Survey{.fusable = false};
    if (memories_ + found.memories > kMaxMemories || tables_ + found.tables > kMaxTables) end_run();
    const auto known = [&](const CoreRef& ref) { return !export_of(ref) || in_run(ref); };
    if (!found.fusable || !std::all_of(step.imports.begin(), step.imports.end(), known)) {
      end_run();
      // What it imports from others before it cannot be had, here and in what begins with it.
      if (!found.fusable || std::any_of(step.imports.begin(), step.imports.end(), export_of))
        return;
    }
    if (!running_) runs_.emplace_back();
    running_ = true;
    runs_.back().push_back(index);
    run_of_[index] = static_cast<std::uint32_t>(runs_.size());
    memories_ += found.memories;
    tables_ += found.tables;
  }

  void end_run() {
    running_ = false;
    memories_ = tables_ = 0;
  }

  bool in_run(const CoreRef& ref) const {
    return running_ && run_of_[export_of(ref)->instance] == runs_.size();
  }

  // ---- Who needs what of whom

  void find_uses() {
    const auto use = [&](const CoreRef& ref, std::uint32_t by) {
      if (const CoreExportRef* item = export_of(ref)) uses_[item->instance].push_back({&ref, by});
    };
    for (const CoreRef& ref : plan_.slots) use(ref, kNone);
    for (std::uint32_t i = 0; i < plan_.steps.size(); ++i) {
      const Step& step = plan_.steps[i];
      if (!step.skipped) {
        for (const CoreRef& ref : step.imports) use(ref, i);
        continue;
      }
      if (step.table) use(*step.table, i);
      if (step.starts) use(*step.starts, i);
      for (const auto& [entry, func] : step.entries) use(func, i);
    }
  }

  // And not to where it jumps on, which might be here.
  bool leads_into_run(const CoreRef& jump, std::uint32_t run) const {
    const CoreExportRef* item = export_of(jump);
    return item && run_of_[item->instance] == run && plan_.steps[item->instance].jumps.empty();
  }

  // The fixup that alone has to do with the table of a shim that nobody needs, as all who import
  // from it can have what its jumps lead to.
  std::optional<std::uint32_t> fixup_of_unneeded(std::uint32_t shim) const {
    const Step& step = plan_.steps[shim];
    std::optional<std::uint32_t> fixup;
    for (const Use& use : uses_[shim]) {
      if (use.by == kNone) return std::nullopt;
      const Step& user = plan_.steps[use.by];
      if (user.skipped) {
        if (!user.table || *user.table != *use.item || (fixup && fixup != use.by))
          return std::nullopt;
        fixup = use.by;
      } else {
        const auto jump = step.jumps.find(export_of(*use.item)->name);
        if (run_of_[use.by] != run_of_[shim] || jump == step.jumps.end() ||
            !leads_into_run(jump->second, run_of_[shim]))
          return std::nullopt;
      }
    }
    return fixup;
  }

  // ---- What becomes of them

  Fusion fuse(const std::vector<std::uint32_t>& run) const {
    Fusion fusion;
    fusion.steps = run;
    std::map<std::uint32_t, std::uint32_t> places;  // of steps among the recipe's members
    for (const std::uint32_t step : run) {
      if (const auto fixup = fixup_of_unneeded(step)) {
        fusion.unneeded_fixups.insert(*fixup);
      } else {
        places.emplace(step, static_cast<std::uint32_t>(places.size()));
      }
    }
    for (const auto& [step, place] : places) {
      auto& member = fusion.recipe.members.emplace_back();
      member.bytes = plan_.modules[plan_.steps[step].module].bytes;
      for (const CoreRef& ref : plan_.steps[step].imports)
        member.imports.push_back(source_of(ref, places));
    }
    for (const auto& [step, place] : places) {
      for (const Use& use : uses_[step]) {
        if (use.by != kNone && run_of_[use.by] == run_of_[step]) continue;
        // Of a fixup that is not needed, only what it starts.
        if (use.by != kNone && fusion.unneeded_fixups.contains(use.by) &&
            plan_.steps[use.by].starts != *use.item)
          continue;
        const auto position = static_cast<std::uint32_t>(fusion.recipe.exports.size());
        if (fusion.exports.emplace(*use.item, position).second)
          fusion.recipe.exports.push_back({place, export_of(*use.item)->name});
      }
    }
    return fusion;
  }

  engine::FuseRecipe::Source source_of(const CoreRef& ref,
                                       const std::map<std::uint32_t, std::uint32_t>& places) const {
    const CoreExportRef* item = export_of(ref);
    if (!item) return std::get<HostFuncRef>(ref).index;
    if (const auto place = places.find(item->instance); place != places.end())
      return engine::FuseRecipe::Export{place->second, item->name};
    // Of a shim that is not needed.
    return source_of(plan_.steps[item->instance].jumps.at(item->name), places);
  }

  const Plan& plan_;
  std::vector<std::uint32_t> modules_used_;  // how often
  std::vector<std::vector<std::uint32_t>> runs_;
  std::vector<std::uint32_t> run_of_;   // of each step, counted from 1; kNone where it is in none
  std::vector<std::vector<Use>> uses_;  // of each step
  bool running_ = false;                // the last run goes on
  std::uint32_t memories_ = 0, tables_ = 0;
};

}  // namespace

std::vector<Fusion> plan_fusions(const Plan& plan) { return Fuser(plan).fusions(); }

}  // namespace unbolt::component
