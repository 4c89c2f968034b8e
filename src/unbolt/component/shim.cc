#include "unbolt/component/shim.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "unbolt/component/binary_reader.h"
#include "unbolt/component/decoder.h"

namespace unbolt::component {
namespace {

// Where each exported function of a shim jumps to.
struct Shim {
  std::string_view table;                             // the table's export
  std::uint32_t size = 0;                             // of the table
  std::map<std::string_view, std::uint32_t> entries;  // function export → table entry
};

// What a fixup module, which exports nothing, does: writes functions it imports into a table it
// imports, then starts one perhaps.
struct Fixup {
  std::uint32_t table_import = 0;                // position among the module's imports
  std::map<std::uint32_t, std::uint32_t> table;  // entry → position among the module's imports
  std::optional<std::uint32_t> start;            // position among the module's imports
};

// The sections of a core module by id, and how many bytes of anything else than custom sections
// there are.
std::map<std::uint8_t, BinaryReader> sections(ByteView module) {
  std::map<std::uint8_t, BinaryReader> found;
  BinaryReader in(module.subspan(8));
  while (!in.at_end()) {
    const auto id = in.byte();
    const BinaryReader section = in.part(in.u32());
    if (id != 0) found.emplace(id, section);
  }
  return found;
}

constexpr std::uint8_t kType = 1, kImport = 2, kFunction = 3, kTable = 4, kExport = 7, kStart = 8,
                       kElement = 9, kCode = 10;

// local.get 0 … local.get n-1, i32.const ENTRY, call_indirect TYPE 0, end
std::optional<std::uint32_t> jump_of(BinaryReader body) {
  if (body.u32() != 0) return std::nullopt;  // no locals of its own
  std::uint32_t local = 0;
  while (body.peek() == 0x20) {
    body.byte();
    if (body.u32() != local++) return std::nullopt;
  }
  if (body.byte() != 0x41) return std::nullopt;
  const std::int64_t entry = body.s33();
  if (entry < 0 || body.byte() != 0x11) return std::nullopt;
  body.u32();
  if (body.u32() != 0 || body.byte() != 0x0b || !body.at_end()) return std::nullopt;
  return static_cast<std::uint32_t>(entry);
}

std::optional<Shim> read_shim(ByteView module) {
  auto parts = sections(module);
  for (const auto& [id, section] : parts) {
    if (id != kType && id != kFunction && id != kTable && id != kExport && id != kCode)
      return std::nullopt;
  }
  if (!parts.contains(kTable) || !parts.contains(kExport) || !parts.contains(kCode))
    return std::nullopt;
  BinaryReader& tables = parts.at(kTable);
  // One, of funcref; its limits: flags (32-bit), least, perhaps most.
  if (tables.count() != 1 || tables.byte() != 0x70 || tables.byte() > 1) return std::nullopt;
  const std::uint32_t table_size = tables.u32();
  std::vector<std::uint32_t> jumps;
  BinaryReader& code = parts.at(kCode);
  for (std::uint32_t n = code.count(); n > 0; --n) {
    const auto jump = jump_of(code.part(code.u32()));
    if (!jump) return std::nullopt;
    jumps.push_back(*jump);
  }
  Shim shim;
  shim.size = table_size;
  BinaryReader& exports = parts.at(kExport);
  for (std::uint32_t n = exports.count(); n > 0; --n) {
    const auto name = exports.name();
    const auto kind = exports.byte();
    const auto index = exports.u32();
    if (kind == 0x00 && index < jumps.size()) {
      shim.entries.emplace(name, jumps[index]);
    } else if (kind == 0x01 && shim.table.empty()) {
      shim.table = name;
    } else {
      return std::nullopt;
    }
  }
  if (shim.table.empty()) return std::nullopt;
  return shim;
}

std::optional<Fixup> read_fixup(ByteView module, const CoreModuleInterface& interface) {
  auto parts = sections(module);
  for (const auto& [id, section] : parts) {
    if (id != kType && id != kImport && id != kElement && id != kStart) return std::nullopt;
  }
  if (!parts.contains(kElement)) return std::nullopt;
  Fixup fixup;
  std::vector<std::uint32_t> funcs;  // function index → position among the imports
  bool has_table = false;
  for (std::uint32_t i = 0; i < interface.imports.size(); ++i) {
    const auto sort = interface.imports[i].sort;
    if (sort == ast::CoreSort::Func) {
      funcs.push_back(i);
    } else if (sort == ast::CoreSort::Table && !has_table) {
      has_table = true;
      fixup.table_import = i;
    } else {
      return std::nullopt;
    }
  }
  if (!has_table) return std::nullopt;
  BinaryReader& elements = parts.at(kElement);
  for (std::uint32_t n = elements.count(); n > 0; --n) {
    // An active segment of table 0: 0x00, i32.const OFFSET, end, vec(funcidx)
    if (elements.u32() != 0 || elements.byte() != 0x41) return std::nullopt;
    std::int64_t entry = elements.s33();
    if (entry < 0 || elements.byte() != 0x0b) return std::nullopt;
    for (std::uint32_t k = elements.count(); k > 0; --k) {
      const auto func = elements.u32();
      if (func >= funcs.size()) return std::nullopt;
      fixup.table[static_cast<std::uint32_t>(entry++)] = funcs[func];
    }
  }
  if (parts.contains(kStart)) {
    const auto func = parts.at(kStart).u32();
    if (func >= funcs.size()) return std::nullopt;
    fixup.start = funcs[func];
  }
  return fixup;
}

bool names_step(const CoreRef& ref, std::uint32_t step) {
  const auto* item = std::get_if<CoreExportRef>(&ref);
  return item && item->instance == step;
}

// Whether lifts, options or destructors use an item of `step`.
bool used_at_run_time(const Plan& plan, std::uint32_t step) {
  return std::any_of(plan.slots.begin(), plan.slots.end(),
                     [&](const CoreRef& ref) { return names_step(ref, step); });
}

class Rewriter {
 public:
  explicit Rewriter(Plan& plan) : plan_(plan) {}

  void run() {
    for (std::uint32_t i = 0; i < plan_.steps.size(); ++i) {
      if (!plan_.steps[i].imports.empty()) continue;
      if (auto shim = read_shim(plan_.modules[plan_.steps[i].module].bytes)) see_through(i, *shim);
    }
  }

 private:
  void see_through(std::uint32_t shim_step, const Shim& shim) {
    // The one step that takes the table, and it has to be a fixup.
    std::optional<std::uint32_t> fixup_step;
    for (std::uint32_t i = shim_step + 1; i < plan_.steps.size(); ++i) {
      for (const CoreRef& ref : plan_.steps[i].imports) {
        if (!names_step(ref, shim_step) || std::get<CoreExportRef>(ref).name != shim.table)
          continue;
        if (fixup_step && *fixup_step != i) return;
        fixup_step = i;
      }
    }
    if (!fixup_step || used_at_run_time(plan_, shim_step) || used_at_run_time(plan_, *fixup_step))
      return;
    Step& fixing = plan_.steps[*fixup_step];
    const ByteView module = plan_.modules[fixing.module].bytes;
    const auto interface = core_interface(module);
    if (!interface) return;
    const auto fixup = read_fixup(module, *interface);
    if (!fixup || !names_step(fixing.imports[fixup->table_import], shim_step)) return;
    if (fixup->start && !std::holds_alternative<CoreExportRef>(fixing.imports[*fixup->start]))
      return;
    if (!fixup->table.empty() && fixup->table.rbegin()->first >= shim.size) return;  // it traps

    bool shim_is_used = false;
    std::set<std::uint32_t> used;  // entries of the table that are still called through
    for (std::uint32_t i = 0; i < plan_.steps.size(); ++i) {
      if (i == *fixup_step) continue;
      for (CoreRef& ref : plan_.steps[i].imports) {
        if (!names_step(ref, shim_step)) continue;
        const auto entry = shim.entries.find(std::get<CoreExportRef>(ref).name);
        if (entry == shim.entries.end()) return;
        const auto target = fixup->table.find(entry->second);
        if (target != fixup->table.end() &&
            std::holds_alternative<HostFuncRef>(fixing.imports[target->second])) {
          ref = fixing.imports[target->second];
          continue;
        }
        shim_is_used = true;
        if (target == fixup->table.end()) continue;  // it traps when called
        used.insert(entry->second);
        plan_.steps[shim_step].jumps.emplace(entry->first, fixing.imports[target->second]);
      }
    }
    fixing.skipped = true;
    if (fixup->start) fixing.starts = fixing.imports[*fixup->start];
    plan_.steps[shim_step].skipped = !shim_is_used;
    if (used.empty()) return;
    fixing.table = fixing.imports[fixup->table_import];
    for (const std::uint32_t entry : used)
      fixing.entries.emplace_back(entry, fixing.imports[fixup->table.at(entry)]);
  }

  Plan& plan_;
};

}  // namespace

void see_through_shims(Plan& plan) {
  try {
    Rewriter(plan).run();
  } catch (const DecodeError&) {
    // A module that is not what it should be is left to the engine, which says what is wrong with
    // it.
  }
}

}  // namespace unbolt::component
