// YAML as a tree with positions: what a manifest needs of it, and nothing that grows when it is
// read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/control/diagnostic.h"

namespace unbolt::control {

// A value. Scalars are text as it was written, quotes and escapes resolved: `yes` and 007 are that.
struct YamlNode {
  enum class Kind : std::uint8_t { Null, Scalar, List, Mapping };
  struct Entry;

  Kind kind = Kind::Null;
  Position position;
  std::string text;            // of a scalar
  std::vector<YamlNode> list;  // of a list
  std::vector<Entry> entries;  // of a mapping; no two keys are equal
  // Something of it is missing here, because it was wrong and reported.
  bool damaged = false;

  // Null where it is no mapping or has no such key.
  const YamlNode* find(std::string_view key) const;
};

struct YamlNode::Entry {
  std::string key;
  Position key_position;
  YamlNode value;
};

inline constexpr std::size_t kLargestManifest = 1u << 20;

// One document, at most kLargestManifest bytes of UTF-8, nested 16 deep, without anchors, aliases
// and tags. What is wrong is reported; nullopt where nothing could be made of it. Otherwise the
// tree lacks what was reported.
std::optional<YamlNode> read_yaml(std::string_view text, DiagnosticSink& sink);

}  // namespace unbolt::control
