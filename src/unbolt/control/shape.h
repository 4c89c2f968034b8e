// What a manifest consists of, said once: the parser's checks, the JSON schema and the reference in
// docs/manifest.md are made of this table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "unbolt/control/scalars.h"

namespace unbolt::control {

struct Field;

struct Shape {
  enum class Form : std::uint8_t {
    Scalar,   // `scalar`
    Mapping,  // of `fields`
    Named,    // a mapping whose keys are the author's: each `key` leads to an `item`
    List,     // of `item`
  };
  Form form;
  const ScalarType* scalar = nullptr;
  std::span<const Field> fields;
  const ScalarType* key = nullptr;
  const Shape* item = nullptr;
  std::string_view item_name;  // of Named, for people: "NAME"
  // A Mapping or Named may be written as one value alone, where that is this entry of it.
  bool has_short_form = false;
  std::string_view short_form;
};

struct Field {
  std::string_view name;
  const Shape& shape;
  enum class Need : std::uint8_t { Optional, Required } need;
  std::string_view description;  // one sentence
  std::string_view example;      // YAML
};

extern const Shape kManifestShape;

// What the one value of a short form is; null where there is none.
const ScalarType* short_form_of(const Shape& shape);

}  // namespace unbolt::control
