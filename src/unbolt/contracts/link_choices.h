// Which links a request has chosen by name (wasmcloud:bus/lattice).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace unbolt::contracts {

// The interfaces whose calls may go to a link that the component chooses.
enum class Choosable : std::uint8_t {
  KeyValueStore,
  KeyValueAtomics,
  KeyValueBatch,
  Messaging,
  BlobStore,
  Sql,
  Postgres,
};

// The name of a link that a handle was opened at, where it was chosen: the handle stays there.
using ChosenLink = std::optional<std::string>;
inline const std::string* to_pointer(const ChosenLink& link) { return link ? &*link : nullptr; }

// Of one instance while it answers one request, on its loop. Empty in nearly all of them, which
// costs a call one comparison.
class LinkChoices {
 public:
  // Null where none was chosen. Holds until the next change.
  const std::string* find(Choosable interface) const {
    for (const auto& [known, link] : chosen_) {
      if (known == interface) return &link;
    }
    return nullptr;
  }
  ChosenLink copy(Choosable interface) const {
    const std::string* link = find(interface);
    return link ? ChosenLink(*link) : std::nullopt;
  }
  void set(Choosable interface, std::string_view link) {
    reset(interface);
    chosen_.emplace_back(interface, link);
  }
  void reset(Choosable interface) {
    std::erase_if(chosen_, [&](const auto& choice) { return choice.first == interface; });
  }

 private:
  std::vector<std::pair<Choosable, std::string>> chosen_;
};

}  // namespace unbolt::contracts
