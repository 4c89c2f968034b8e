// Where the claims lie in a WebAssembly file: the custom sections of its outermost layer. What a
// component has inside of it may have claims of its own, and they count for nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"

namespace unbolt::claims {

// A section, as offsets into what it lies in: [begin, end), its contents from `body`.
struct Section {
  std::uint8_t id = 0;
  std::size_t begin = 0, body = 0, end = 0;
  bool shortest = true;  // its size is written in as few bytes as can be
};

enum class Layer : std::uint8_t { Module, Component };

// Checks the first eight bytes.
Result<Layer> layer_of(ByteView file);
inline constexpr std::size_t kHeaderSize = 8;
// The section at `at`, which is before the end; InvalidFile where it does not end within `file`.
Result<Section> section_at(ByteView file, std::size_t at);
// The name of a custom section, and what follows it.
struct Named {
  std::string_view name;
  ByteView contents;
};
Result<Named> custom_section(ByteView file, const Section& section);

inline constexpr std::string_view kTokenSection = "wasmcloud_jwt";
inline constexpr std::string_view kOldTokenSection = "jwt";
inline constexpr std::string_view kSealSection = "unbolt_seal";
inline bool is_token_section(std::string_view name) {
  return name == kTokenSection || name == kOldTokenSection;
}

// A file's own claims, as they stand there.
struct ClaimSections {
  struct Found {
    Section section;
    ByteView contents;
  };
  std::optional<Found> token, seal;
  bool twice = false;  // several of one of them: nobody can say which counts
  bool any() const { return token || seal; }
};
Result<ClaimSections> find_claims(ByteView file);

// The file without any claims of its outermost layer; all else stays as it is.
Result<Bytes> without_claims(ByteView file);
void append_custom_section(Bytes& file, std::string_view name, ByteView contents);
void append_size(Bytes& out, std::size_t size);  // LEB128, as short as can be

}  // namespace unbolt::claims
