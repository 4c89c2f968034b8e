#include "unbolt/identity/key_kind.h"

#include <array>

namespace unbolt::identity {
namespace {

struct Row {
  KeyKind kind;
  char letter;
  std::string_view name;
};
constexpr std::array kRows{
    Row{KeyKind::Account, 'A', "account"}, Row{KeyKind::Component, 'M', "component"},
    Row{KeyKind::Host, 'N', "host"},       Row{KeyKind::Operator, 'O', "operator"},
    Row{KeyKind::Cluster, 'C', "cluster"}, Row{KeyKind::Service, 'V', "service"},
    Row{KeyKind::User, 'U', "user"},
};

const Row& row(KeyKind kind) { return kRows[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view to_string(KeyKind kind) { return row(kind).name; }

std::optional<KeyKind> key_kind_named(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name && row.kind <= KeyKind::Operator) return row.kind;
  }
  return std::nullopt;
}

std::uint8_t prefix_of(KeyKind kind) {
  return static_cast<std::uint8_t>((row(kind).letter - 'A') << 3);
}

std::optional<KeyKind> kind_of_prefix(std::uint8_t prefix) {
  for (const Row& row : kRows) {
    if (prefix_of(row.kind) == prefix) return row.kind;
  }
  return std::nullopt;
}

}  // namespace unbolt::identity
