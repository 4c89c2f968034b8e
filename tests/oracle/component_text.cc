#include "component_text.h"

#include <fmt/format.h>

namespace unbolt::oracle {
namespace {

using enum TypeKind;

// ---- Types as text

// Records, variants, enums and flags have names wherever a function's type speaks of them.
class TypeText {
 public:
  // How a value type is written; notes the named ones inside, the innermost first.
  std::string of(const Shape& shape) {
    switch (shape.kind) {
      case List:
        return shape.count ? fmt::format("(list {} {})", of(shape.parts[0]), shape.count)
                           : fmt::format("(list {})", of(shape.parts[0]));
      case Map: {
        const std::string key = of(shape.parts[0]);
        return fmt::format("(map {} {})", key, of(shape.parts[1]));
      }
      case Tuple: return fmt::format("(tuple{})", each(shape, " {1}"));
      case Option: return fmt::format("(option {})", of(shape.parts[0]));
      case TypeKind::Result: {
        const std::string ok = shape.parts[0].none ? "" : " " + of(shape.parts[0]);
        const std::string error =
            shape.parts[1].none ? "" : fmt::format(" (error {})", of(shape.parts[1]));
        return fmt::format("(result{}{})", ok, error);
      }
      case Own: return "(own $thing)";
      case Borrow: return "(borrow $thing)";
      case Record: return named(fmt::format("(record{})", each(shape, " (field \"l{0}\" {1})")));
      case Variant: return named(fmt::format("(variant{})", each(shape, " (case \"l{0}\" {1})")));
      case Enum: return named(fmt::format("(enum{})", labels(shape)));
      case Flags: return named(fmt::format("(flags{})", labels(shape)));
      default: return std::string(scalar(shape.kind));
    }
  }
  const std::vector<std::string>& definitions() const { return definitions_; }

 private:
  static std::string_view scalar(TypeKind kind) {
    constexpr std::string_view kNames[] = {"bool", "s8",  "u8",  "s16", "u16",  "s32",   "u32",
                                           "s64",  "u64", "f32", "f64", "char", "string"};
    return kNames[static_cast<std::size_t>(kind)];
  }
  std::string each(const Shape& shape, std::string_view form) {
    std::string out;
    for (std::size_t i = 0; i < shape.parts.size(); ++i)
      out += fmt::format(fmt::runtime(form), i, shape.parts[i].none ? "" : of(shape.parts[i]));
    return out;
  }
  static std::string labels(const Shape& shape) {
    std::string out;
    for (std::uint32_t i = 0; i < shape.count; ++i) out += fmt::format(" \"l{}\"", i);
    return out;
  }
  std::string named(std::string definition) {
    definitions_.push_back(std::move(definition));
    return fmt::format("$t{}", definitions_.size() - 1);
  }
  std::vector<std::string> definitions_;
};

// ---- Core functions

std::string_view core_name(char letter) {
  switch (letter) {
    case 'i': return "i32";
    case 'I': return "i64";
    case 'f': return "f32";
    default: return "f64";
  }
}

char join(char a, char b) {
  if (a == b) return a;
  return (a == 'i' && b == 'f') || (a == 'f' && b == 'i') ? 'i' : 'I';
}

// CanonicalABI.md, "Flattening".
std::string flat(const Shape& shape) {
  if (shape.none) return "";
  switch (shape.kind) {
    case S64:
    case U64: return "I";
    case F32: return "f";
    case F64: return "F";
    case String:
    case Map: return "ii";
    case List: {
      if (!shape.count) return "ii";
      std::string out;
      for (std::uint32_t i = 0; i < shape.count && out.size() <= component::kMaxFlatParams; ++i)
        out += flat(shape.parts[0]);
      return out;
    }
    case Record:
    case Tuple: {
      std::string out;
      for (const Shape& part : shape.parts) out += flat(part);
      return out;
    }
    case Variant:
    case Option:
    case TypeKind::Result: {
      std::string joined;
      for (const Shape& part : shape.parts) {
        const std::string one = flat(part);
        for (std::size_t i = 0; i < one.size(); ++i) {
          if (i < joined.size()) {
            joined[i] = join(joined[i], one[i]);
          } else {
            joined += one[i];
          }
        }
      }
      return "i" + joined;
    }
    default: return "i";
  }
}

// Memory, realloc, post-return and a destructor: what the ABI calls.
constexpr std::string_view kMemoryModule = R"((core module $plan_module
    ;; What a guest remembers of its plan, where neither it nor the ABI writes by accident.
    (memory 1)
    (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "set") (param i32 i32) (i32.store (local.get 0) (local.get 1))))
  (core module $memory_module
    (import "p" "get" (func $get (param i32) (result i32)))
    (import "p" "set" (func $set (param i32 i32)))
    (import "h" "drop" (func $drop (param i32)))
    (memory (export "memory") 4 256)
    (global $next (mut i32) (i32.const 65536))
    ;; Each block has a place of its own of at least 4 KiB, so that where one lies does not depend on how much was asked
    ;; for in between.
    (func $room (param $size i32) (result i32)
      (select (i32.const 4096) (i32.and (i32.add (local.get $size) (i32.const 4095)) (i32.const -4096))
        (i32.le_u (local.get $size) (i32.const 4096))))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32) (local $trick i32)
      ;; Blocks count, not how often one is made larger or smaller: a string may be.
      (if (i32.and (i32.eqz (local.get $old_size)) (i32.ne (call $get (i32.const 8)) (i32.const 0))) (then
        (call $set (i32.const 8) (i32.sub (call $get (i32.const 8)) (i32.const 1)))
        (if (i32.eqz (call $get (i32.const 8))) (then (local.set $trick (call $get (i32.const 12)))))))
      (if (i32.eq (local.get $trick) (i32.const 1)) (then unreachable))
      (if (i32.eq (local.get $trick) (i32.const 2)) (then (return (call $get (i32.const 16)))))
      (if (i32.eq (local.get $trick) (i32.const 3)) (then (call $drop (call $get (i32.const 16)))))
      (if (i32.eq (local.get $trick) (i32.const 5)) (then (drop (memory.grow (call $get (i32.const 16))))))
      (if (i32.and (i32.ne (local.get $old_size) (i32.const 0))
                   (i32.le_u (local.get $size) (call $room (local.get $old_size)))) (then (return (local.get $old))))
      (local.set $at (global.get $next))
      (if (i32.gt_u (local.get $size) (i32.const 2000000)) (then unreachable))
      (global.set $next (i32.add (local.get $at) (call $room (local.get $size))))
      (block $enough (loop $more
        (br_if $enough (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
        (br $more)))
      (memory.copy (local.get $at) (local.get $old)
        (select (local.get $old_size) (local.get $size) (i32.lt_u (local.get $old_size) (local.get $size))))
      (if (i32.eq (local.get $trick) (i32.const 4))
        (then (local.set $at (i32.add (local.get $at) (call $get (i32.const 16))))))
      (local.get $at))
    ;; What was destroyed is added up.
    (func (export "dtor") (param $rep i32)
      (call $set (i32.const 48) (i32.add (call $get (i32.const 48)) (local.get $rep)))
      (if (i32.eq (call $get (i32.const 52)) (i32.const 1)) (then unreachable))
      (if (i32.eq (call $get (i32.const 52)) (i32.const 2)) (then (call $drop (call $get (i32.const 24))))))
    (func (export "post-return")
      (if (i32.eq (call $get (i32.const 20)) (i32.const 1)) (then unreachable))
      (if (i32.eq (call $get (i32.const 20)) (i32.const 2)) (then (call $drop (call $get (i32.const 24)))))))
)";

// Of the plan, at 512, 16 bytes each; how many there are, at 0.
constexpr std::string_view kSteps = R"(
    (func (export "plan") (param $op i32) (param $a i32) (param $b i32) (param $c i32) (local $at i32)
      (local.set $at (i32.add (i32.const 512) (i32.mul (call $get (i32.const 0)) (i32.const 16))))
      (call $set (local.get $at) (local.get $op))
      (call $set (i32.add (local.get $at) (i32.const 4)) (local.get $a))
      (call $set (i32.add (local.get $at) (i32.const 8)) (local.get $b))
      (call $set (i32.add (local.get $at) (i32.const 12)) (local.get $c))
      (call $set (i32.const 0) (i32.add (call $get (i32.const 0)) (i32.const 1))))
    (func $xor (param $at i32) (param $with i32)
      (i32.store (local.get $at) (i32.xor (i32.load (local.get $at)) (local.get $with))))
    (func $step (param $op i32) (param $a i32) (param $b i32) (param $c i32)
      (block $both (block $copy (block $keep (block $dtor (block $dropbelow (block $lend (block $give (block $make (block $trap (block $post (block $realloc (block $grow (block $again (block $skip (block $rep (block $new
      (block $dropown (block $drop (block $deep (block $byte (block $inside (block $xor
        (br_table $trap $xor $inside $byte $deep $drop $dropown $new $rep $skip $again $grow $realloc $post $trap
          $make $give $lend $dropbelow $dtor $keep $copy $both $trap (local.get $op)))
        (call $xor (local.get $a) (local.get $c)) return)
        (call $xor (i32.add (i32.load (local.get $a)) (local.get $b)) (local.get $c)) return)
        (local.set $a (i32.add (i32.load (local.get $a)) (local.get $b)))
        (i32.store8 (local.get $a) (i32.xor (i32.load8_u (local.get $a)) (local.get $c))) return)
        (local.set $a (i32.load (i32.add (i32.load (local.get $a)) (i32.and (local.get $b) (i32.const 65535)))))
        (call $xor (i32.add (local.get $a) (i32.shr_u (local.get $b) (i32.const 16))) (local.get $c)) return)
        (call $thing_drop (local.get $a)) return)
        (call $own_drop (local.get $a)) return)
        (drop (call $own_new (local.get $a))) return)
        (drop (call $own_rep (local.get $a))) return)
        (call $set (i32.const 32) (i32.const 1)) return)
        (call $set (i32.const 36) (local.get $a)) return)
        (drop (memory.grow (local.get $a))) return)
        (call $set (i32.const 8) (local.get $a)) (call $set (i32.const 12) (local.get $b))
        (call $set (i32.const 16) (local.get $c)) return)
        (call $set (i32.const 20) (local.get $a)) (call $set (i32.const 24) (local.get $b)) return)
        unreachable)
        (drop (call $r_make (local.get $a))) return)
        (call $r_give (local.get $a)) return)
        (drop (call $r_lend (local.get $a))) return)
        (call $r_drop (local.get $a)) return)
        (call $set (i32.const 52) (local.get $a)) (call $set (i32.const 24) (local.get $b)) return)
        (call $set (i32.const 56) (local.get $a)) return)
        (i32.store (local.get $b) (i32.load (local.get $a))) return)
      (call $r_both (local.get $a) (local.get $b)))
    (func $steps (param $when i32) (local $i i32) (local $at i32)
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $i) (call $get (i32.const 0))))
        (local.set $at (i32.add (i32.const 512) (i32.mul (local.get $i) (i32.const 16))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.ne (i32.and (call $get (local.get $at)) (i32.const 256)) (local.get $when)))
        (call $step (i32.and (call $get (local.get $at)) (i32.const 255))
          (call $get (i32.add (local.get $at) (i32.const 4))) (call $get (i32.add (local.get $at) (i32.const 8)))
          (call $get (i32.add (local.get $at) (i32.const 12))))
        (br $next))))
)";

std::string core_types(std::string_view letters) {
  std::string out;
  for (const char letter : letters) out += fmt::format(" (param {})", core_name(letter));
  return out;
}

std::string main_module(const CoreSignature& core) {
  const std::string passed = core_types(core.params);
  const std::string result = core.result ? fmt::format(" (result {})", core_name(core.result)) : "";
  std::string keep, give;
  for (std::size_t i = 0; i < core.params.size(); ++i) {
    const auto name = core_name(core.params[i]);
    keep += fmt::format("({}.store (i32.const {}) (local.get {})) ", name, kFlatParams + 8 * i, i);
    give += fmt::format("({}.load (i32.const {})) ", name, kFlatParams + 8 * i);
  }
  if (core.result_in_memory) give += fmt::format("(i32.load (i32.const {}))", kResultPointer);
  std::string call = fmt::format("(call $f {})", give);
  std::string answer;
  if (core.result_in_memory) {
    answer = fmt::format("(i32.load (i32.const {}))", kResultPointer);
  } else if (core.result) {
    const auto name = core_name(core.result);
    call = fmt::format("({}.store (i32.const {}) {})", name, kFlatResult, call);
    answer = fmt::format("({}.load (i32.const {}))", name, kFlatResult);
  }
  return fmt::format(
      R"((core module $main_module
    (import "l" "memory" (memory 4))
    (import "p" "get" (func $get (param i32) (result i32)))
    (import "p" "set" (func $set (param i32 i32)))
    (import "l" "post-return" (func $post))
    (import "h" "f" (func $f{passed}{lowered}))
    (import "h" "drop" (func $thing_drop (param i32)))
    (import "h" "own-drop" (func $own_drop (param i32)))
    (import "h" "own-new" (func $own_new (param i32) (result i32)))
    (import "h" "own-rep" (func $own_rep (param i32) (result i32)))
    (import "h" "r-make" (func $r_make (param i32) (result i32)))
    (import "h" "r-give" (func $r_give (param i32)))
    (import "h" "r-lend" (func $r_lend (param i32) (result i32)))
    (import "h" "r-drop" (func $r_drop (param i32)))
    (import "h" "r-both" (func $r_both (param i32 i32)))
    (func (export "make") (param i32) (result i32) (call $own_new (local.get 0)))
    (func (export "give") (param i32) (if (i32.eqz (call $get (i32.const 56))) (then (call $own_drop (local.get 0)))))
    (func (export "lend") (param i32) (result i32) (local.get 0))
    (func (export "both") (param i32 i32) (call $own_drop (local.get 1)))
    (func (export "count") (result i32) (call $get (i32.const 48)))
{steps}    (func (export "post-return"){returned} (call $post))
    (func (export "f"){passed}{lifted}
      {keep}
      (i32.store (i32.const {pointer}) (i32.const 8192))
      (call $steps (i32.const 0))
      (if (i32.eqz (call $get (i32.const 32))) (then (loop $again
        {call}
        (call $set (i32.const 36) (i32.sub (i32.and (call $get (i32.const 36)) (i32.const 3)) (i32.const 1)))
        (br_if $again (i32.gt_s (call $get (i32.const 36)) (i32.const 0))))))
      (call $steps (i32.const 256))
      {answer}))
)",
      fmt::arg("passed", passed),
      fmt::arg("lowered", core.result_in_memory ? " (param i32)" : result),
      fmt::arg("lifted", core.result_in_memory ? " (result i32)" : result),
      fmt::arg("returned", core.result_in_memory ? " (param i32)"
                           : core.result         ? core_types({&core.result, 1})
                                                 : ""),
      fmt::arg("steps", kSteps), fmt::arg("keep", keep), fmt::arg("pointer", kResultPointer),
      fmt::arg("call", call), fmt::arg("answer", answer));
}

// The resources of the guest below; the first guest has none below it, and uses its own.
constexpr std::string_view kBelow = R"(  (import "below" (instance $below
    (export "r" (type $r (sub resource)))
    (export "make" (func (param "rep" u32) (result (own $r))))
    (export "give" (func (param "r" (own $r))))
    (export "lend" (func (param "r" (borrow $r)) (result u32)))
    (export "both" (func (param "r" (borrow $r)) (param "s" (own $r))))))
  (alias export $below "r" (type $below_r))
  (core func $r_make (canon lower (func $below "make")))
  (core func $r_give (canon lower (func $below "give")))
  (core func $r_lend (canon lower (func $below "lend")))
  (core func $r_both (canon lower (func $below "both")))
  (core func $r_drop (canon resource.drop $below_r))
)";
constexpr std::string_view kNoneBelow =
    R"(  (alias core export $own_funcs "new" (core func $r_make))
  (alias core export $own_funcs "drop" (core func $r_give))
  (alias core export $own_funcs "rep" (core func $r_lend))
  (core module $both_module (func (export "both") (param i32 i32)))
  (core instance $both (instantiate $both_module))
  (alias core export $both "both" (core func $r_both))
  (alias core export $own_funcs "drop" (core func $r_drop))
)";

std::string_view encoding_name(Encoding encoding) {
  switch (encoding) {
    case Encoding::Utf8: return "utf8";
    case Encoding::Utf16: return "utf16";
    case Encoding::Latin1Utf16: break;
  }
  return "latin1+utf16";
}

}  // namespace

CoreSignature core_signature(const Signature& signature) {
  CoreSignature core;
  for (const Shape& param : signature.params) core.params += flat(param);
  if (core.params.size() > component::kMaxFlatParams) core.params = "i";
  if (signature.result) {
    const std::string result = flat(*signature.result);
    core.result_in_memory = result.size() > component::kMaxFlatResults;
    if (!core.result_in_memory) core.result = result[0];
  }
  return core;
}

std::string component_text(const Signature& signature) {
  TypeText types;
  std::string func = "(func";
  for (std::size_t i = 0; i < signature.params.size(); ++i)
    func += fmt::format(" (param \"p{}\" {})", i, types.of(signature.params[i]));
  if (signature.result) func += fmt::format(" (result {})", types.of(*signature.result));
  func += ")";

  std::string interface = "(instance $host\n    (export \"thing\" (type $thing (sub resource)))\n";
  std::string aliases = "  (alias export $host \"thing\" (type $thing))\n";
  std::string exports = "(export \"thing\" (type $thing))";
  for (std::size_t k = 0; k < types.definitions().size(); ++k) {
    interface += fmt::format("    (type $d{0} {1}) (export \"t{0}\" (type $t{0} (eq $d{0})))\n", k,
                             types.definitions()[k]);
    aliases += fmt::format("  (alias export $host \"t{0}\" (type $t{0}))\n", k);
    exports += fmt::format(" (export \"t{0}\" (type $t{0}))", k);
  }
  interface += fmt::format("    (export \"f\" {}))", func);

  std::string out =
      fmt::format("(component\n  {}  {}  (import \"test:oracle/host\" {})\n{}", kMemoryModule,
                  main_module(core_signature(signature)), interface, aliases);
  for (std::size_t i = 0; i < signature.guests.size(); ++i) {
    out += fmt::format(
        R"(  (component $guest{i}
  (import "host" {interface})
{aliases}  (core func $drop (canon resource.drop $thing))
  (core instance $p (instantiate $plan_module))
  (core instance $l (instantiate $memory_module (with "p" (instance $p)) (with "h" (instance (export "drop" (func $drop))))))
  (alias core export $l "memory" (core memory $m))
  (alias core export $l "realloc" (core func $realloc))
  (core func $f (canon lower (func $host "f") (memory $m) (realloc $realloc) string-encoding={encoding}))
  (alias core export $l "dtor" (core func $dtor))
  (type $own (resource (rep i32) (dtor (core func $dtor))))
  (core func $own_drop (canon resource.drop $own))
  (core func $own_new (canon resource.new $own))
  (core func $own_rep (canon resource.rep $own))
  (core instance $own_funcs (export "new" (func $own_new)) (export "drop" (func $own_drop))
    (export "rep" (func $own_rep)))
{below}  (core instance $main (instantiate $main_module (with "l" (instance $l)) (with "p" (instance $p)) (with "h" (instance
    (export "f" (func $f)) (export "drop" (func $drop)) (export "own-drop" (func $own_drop))
    (export "own-new" (func $own_new)) (export "own-rep" (func $own_rep)) (export "r-make" (func $r_make))
    (export "r-give" (func $r_give)) (export "r-lend" (func $r_lend)) (export "r-drop" (func $r_drop))
    (export "r-both" (func $r_both))))))
  (export $own_r "r" (type $own))
  (func (export "make") (param "rep" u32) (result (own $own_r)) (canon lift (core func $main "make")))
  (func (export "give") (param "r" (own $own_r)) (canon lift (core func $main "give")))
  (func (export "lend") (param "r" (borrow $own_r)) (result u32) (canon lift (core func $main "lend")))
  (func (export "both") (param "r" (borrow $own_r)) (param "s" (own $own_r))
    (canon lift (core func $main "both")))
  (func (export "count") (result u32) (canon lift (core func $main "count")))
  (func (export "f") {params} (canon lift (core func $main "f") (memory $m) (realloc $realloc)
    (post-return (core func $main "post-return")) string-encoding={encoding}))
  (func (export "plan") (param "op" u32) (param "a" u32) (param "b" u32) (param "c" u32)
    (canon lift (core func $main "plan"))))
  (instance $g{i} (instantiate $guest{i} (with "host" (instance $h{i})){with}))
  (instance $h{next} {exports} (export "f" (func $g{i} "f")))
  (export "plan{i}" (func $g{i} "plan"))
  (export "count{i}" (func $g{i} "count"))
)",
        fmt::arg("i", i), fmt::arg("next", i + 1), fmt::arg("below", i > 0 ? kBelow : kNoneBelow),
        fmt::arg("with",
                 i > 0 ? fmt::format(" (with \"below\" (instance $g{}))", i - 1) : std::string()),
        fmt::arg("interface", interface), fmt::arg("aliases", aliases),
        fmt::arg("exports", exports), fmt::arg("encoding", encoding_name(signature.guests[i])),
        fmt::arg("params", func.substr(5, func.size() - 6)));
  }
  // The first guest's host is the host itself.
  const std::size_t first = out.find("(instance $h0)");
  out.replace(first, 14, "(instance $host)");
  out += fmt::format("  (export \"run\" (func $g{} \"f\")))\n", signature.guests.size() - 1);
  return out;
}

}  // namespace unbolt::oracle
