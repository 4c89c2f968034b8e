// Text that comes from elsewhere, made fit for a line that an operator reads.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace unbolt::contracts {

// `text` without anything that could end a line, move a cursor or reorder what is shown: control
// characters (C0, DEL, C1), line and paragraph separators and bidirectional controls become `\n`,
// `\t`, `\x1b`, `\u202e`; bytes that are not UTF-8 become `\xff`. What is longer than `limit` bytes
// is cut, at a character, and says how much is missing.
std::string printable(std::string_view text, std::size_t limit);

// The candidate that was probably meant: within two edits (one for words up to three letters), or
// one begins with the other.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

}  // namespace unbolt::contracts
