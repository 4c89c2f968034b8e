// The lexical rules of HTTP (RFC 9110, section 5.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unbolt::http {

// A method or field name: one or more tchar.
bool is_token(std::string_view text);
// A field's value: no control character but the tab, no space at either end.
bool is_field_value(std::string_view text);
// What may stand between the spaces of a request line: visible ASCII without '#'.
bool is_target(std::string_view text);
// `host` or `host:port`, as in a Host field: no user, path or space. May be empty.
bool is_authority(std::string_view text);

bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);
// Digits only; nullopt for anything else and for what 64 bits do not hold.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
// As above for the hexadecimal digits of a chunk's size.
std::optional<std::uint64_t> parse_hex(std::string_view text);
// A path with its %XX decoded; nullopt for an escape that is none and for a NUL, which ends text
// elsewhere.
std::optional<std::string> percent_decoded(std::string_view path);
void append_decimal(std::string& out, std::uint64_t value);
void append_hex(std::string& out, std::uint64_t value);

// Calls `visit(item)` for each item of a comma-separated list that is not empty.
template <class Visit>
void for_each_item(std::string_view list, Visit visit) {
  while (!list.empty()) {
    std::size_t comma = list.find(',');
    if (auto item = trim(list.substr(0, comma)); !item.empty()) visit(item);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
}

// Connection, Transfer-Encoding and the like: of this hop, never of the message a handler sees or
// makes.
bool is_connection_field(std::string_view name);

}  // namespace unbolt::http
