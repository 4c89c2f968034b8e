// Values as JSON, spelled as jco spells them in JavaScript:
//   integers, floats     numbers; NaN, Infinity and -Infinity as strings. Integers of 64 bits are
//                        also read from a string, for those whose numbers are doubles; 1.0 is one
//   char, string         strings
//   list, tuple          arrays; map: an array of [key, value]
//   record, flags        objects with camelCase names (read also as they stand in WIT); what is
//                        left out of a record is none, of flags false
//   enum                 its case's name as it stands in WIT
//   option               null or the value; an option of an option {"tag": "some", "val": …} or
//                        {"tag": "none"}
//   variant, result      {"tag": case, "val": payload}, without val where the case has none
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "unbolt/component/value.h"

namespace unbolt::component {

// InvalidArgument says where in `json`, what is expected there and what was found; `where` is how
// the message begins ("argument order").
Result<Value> value_from_json(const Type& type, const nlohmann::ordered_json& json,
                              const std::string& where);
// The arguments of a function: an array of as many as it has parameters, or an object by their
// names.
Result<Values> arguments_from_json(const FuncType& type, const nlohmann::ordered_json& json);
// The same from JSON text (json_text.h); none is an empty array.
Result<Values> arguments_from_text(const FuncType& type, std::string_view text);
// Appends the value as JSON, in UTF-8 and without spaces.
void write_json(const Type& type, const Value& value, std::string& out);

// What a function answered. Of a `result` at the top, what is in it: who asks tells success from
// failure elsewhere (an exit status, an HTTP status).
struct Outcome {
  bool failed = false;
  const Type* type = nullptr;  // null: there is no value
  const Value* value = nullptr;
};
Outcome outcome_of(const FuncType& type, const std::optional<Value>& value);

// "max-age" as "maxAge".
std::string camel_case(std::string_view label);

}  // namespace unbolt::component
