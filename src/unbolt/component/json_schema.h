// What JSON a value of an interface type may be: JSON Schema (2020-12) of what value_json.h reads
// and writes.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "unbolt/component/plan.h"
#include "unbolt/component/types.h"

namespace unbolt::component {

// The schemas of one document. Types that have a name in the component, and those that are large,
// are defined once and referred to, so the document is no larger than the types are. `plan`
// outlives it.
class JsonSchemas {
 public:
  // `root` is where the definitions will stand in the document: "#/components/schemas/".
  JsonSchemas(const Plan& plan, std::string root) : plan_(plan), root_(std::move(root)) {}

  // Arguments may be said in more ways than answers are: what is left out of a record is none, and
  // integers of 64 bits may be strings. (Names as they stand in WIT are read, too, but not named.)
  enum class Use : std::uint8_t { Argument, Answer };
  // Only of types that have values (value_call.h, `check_plain_values`).
  nlohmann::ordered_json of(const Type& type, Use use);

  // Keeps a name for a definition that the document has elsewhere.
  void reserve(std::string name) { taken_.insert(std::move(name)); }

  // Everything that was referred to so far, by name.
  const nlohmann::ordered_json& definitions() const { return definitions_; }

 private:
  struct Facts {
    std::uint32_t size = 0;  // of its schema, if it were written in place
    bool two_uses = false;   // whether its schemas as argument and as answer differ
  };
  const Facts& facts(const Type& type);
  bool is_named(const Type& type);
  const std::string& name_of(const Type& type, Use use);
  nlohmann::ordered_json in_place(const Type& type, Use use);
  nlohmann::ordered_json fields(const Type& type, Use use);
  nlohmann::ordered_json tagged(const std::vector<std::string>& labels, const Type& type, Use use);

  const Plan& plan_;
  const std::string root_;
  std::map<const Type*, Facts> facts_;
  std::map<std::pair<const Type*, Use>, std::string> names_;
  std::set<std::string> taken_;
  nlohmann::ordered_json definitions_ = nlohmann::ordered_json::object();
};

// The arguments of a function by name, with those that may be left out not required.
nlohmann::ordered_json arguments_by_name(JsonSchemas& schemas, const FuncType& type);
// … and by position.
nlohmann::ordered_json arguments_by_position(JsonSchemas& schemas, const FuncType& type);

}  // namespace unbolt::component
