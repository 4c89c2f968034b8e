// Values of interface types that are known only at run time, and how they cross the canonical ABI:
// the second user of the rules that abi.h applies to C++ types.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/component/abi_values.h"
#include "unbolt/component/instance.h"

namespace unbolt::component {

struct Value;
using Values = std::vector<Value>;

// One of a variant's, enum's, option's (none, some) or result's (ok, error) cases.
struct CaseValue {
  std::uint32_t index = 0;
  std::unique_ptr<Value> payload;  // null: the case has none
};
struct FlagsValue {
  std::uint32_t bits = 0;  // by label, the first is the lowest
};

// A tree; only together with its type does it mean something. What stands for which type:
//   bool; signed and unsigned integers as 64 bits; f32; f64; char; string
//   list<u8>                                    Bytes
//   other lists, fixed ones, tuples, records    Values
//   map                                         Values, each Values{key, value}
//   variant, enum, option, result               CaseValue
//   flags                                       FlagsValue
struct Value {
  std::variant<bool, std::int64_t, std::uint64_t, float, double, char32_t, std::string, Bytes,
               Values, CaseValue, FlagsValue>
      of;
};

// Whether a value of the type can be built: not where it holds a handle or anything asynchronous.
// The message names the first that cannot be.
Result<> check_plain_values(const FuncType& type);

// Lifting and lowering by type. `value` has the type's shape (JSON that was read by json.h has it);
// each returns false where it has set the context's trap.
bool store_value(LiftLowerContext& cx, const Type& type, std::uint32_t at, const Value& value);
bool load_value(LiftLowerContext& cx, const Type& type, std::uint32_t at, Value& out);
bool lower_value(LiftLowerContext& cx, const Type& type, FlatWriter& out, const Value& value);
bool lift_value(LiftLowerContext& cx, const Type& type, FlatReader& in, Value& out);

// A call of an export with values, as ExportCall (bind.h) is with C++ types. Single use. `func`
// must be a lift of the instance's component, and its type pass `check_plain_values`.
class ValueCall final : public engine::Store::Body {
 public:
  ValueCall(Instance& instance, const ExportedFunc& func, Values arguments);

  // Starts it; true when it has ended at once. Else await `store().settle()`.
  bool begin() { return instance_.store().begin(*this); }
  // After it has ended without a fault; nothing where the function returns nothing.
  std::optional<Value>& result() { return result_; }

  engine::Trap* run(engine::Store& store) override;

 private:
  bool lower_arguments(LiftLowerContext& cx, std::span<engine::Raw> raw);
  bool lift_result(LiftLowerContext& cx, std::span<const engine::Raw> raw);

  Instance& instance_;
  const Lift& lift_;
  FlatSignature signature_;
  Values arguments_;
  std::optional<Value> result_;
};

}  // namespace unbolt::component
