#include "unbolt/claims/sections.h"

#include <algorithm>
#include <array>

namespace unbolt::claims {
namespace {

constexpr std::array<std::uint8_t, 8> kModule{0, 'a', 's', 'm', 1, 0, 0, 0};
// Twice as many as there are; text begins above it.
constexpr std::uint8_t kLastSectionId = 0x1f;
constexpr std::array<std::uint8_t, 8> kComponent{0, 'a', 's', 'm', 0x0d, 0, 1, 0};

// A u32 of LEB128 at `at`, which is moved behind it; false where it is none.
bool read_size(ByteView file, std::size_t& at, std::uint32_t& value, bool& shortest) {
  std::uint64_t read = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (at >= file.size()) return false;
    const std::uint8_t byte = file[at++];
    read |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte & 0x80) continue;
    if (read > 0xffff'ffff) return false;
    value = static_cast<std::uint32_t>(read);
    shortest = shift == 0 || byte != 0;
    return true;
  }
  return false;
}

}  // namespace

Result<Layer> layer_of(ByteView file) {
  const auto begins = [&](const auto& header) {
    return file.size() >= kHeaderSize && std::equal(header.begin(), header.end(), file.begin());
  };
  if (begins(kComponent)) return Layer::Component;
  if (begins(kModule)) return Layer::Module;
  return fail(ErrorCode::InvalidFile, "it is no WebAssembly component or module");
}

Result<Section> section_at(ByteView file, std::size_t at) {
  Section section{.id = file[at], .begin = at};
  // Not of any kind that there is: without this, claims whose beginning is damaged may be taken for
  // a row of unknown sections, and the file for one that nobody signed.
  if (section.id > kLastSectionId)
    return fail(ErrorCode::InvalidFile, "what begins at byte {} is no section", at);
  section.body = at + 1;
  std::uint32_t size = 0;
  if (!read_size(file, section.body, size, section.shortest) || size > file.size() - section.body) {
    return fail(ErrorCode::InvalidFile, "the section at byte {} does not end within the file", at);
  }
  section.end = section.body + size;
  return section;
}

Result<Named> custom_section(ByteView file, const Section& section) {
  const ByteView body = file.subspan(section.body, section.end - section.body);
  std::size_t at = 0;
  std::uint32_t size = 0;
  bool shortest = false;
  if (!read_size(body, at, size, shortest) || size > body.size() - at) {
    return fail(ErrorCode::InvalidFile, "the custom section at byte {} has no name", section.begin);
  }
  return Named{as_text(body.subspan(at, size)), body.subspan(at + size)};
}

Result<ClaimSections> find_claims(ByteView file) {
  UNBOLT_TRY(layer_of(file));
  ClaimSections found;
  for (std::size_t at = kHeaderSize; at < file.size();) {
    UNBOLT_ASSIGN(const Section section, section_at(file, at));
    at = section.end;
    if (section.id != 0) continue;
    UNBOLT_ASSIGN(const Named custom, custom_section(file, section));
    auto* place = is_token_section(custom.name) ? &found.token
                  : custom.name == kSealSection ? &found.seal
                                                : nullptr;
    if (!place) continue;
    if (*place) found.twice = true;
    *place = ClaimSections::Found{section, custom.contents};
  }
  return found;
}

Result<Bytes> without_claims(ByteView file) {
  UNBOLT_TRY(layer_of(file));
  Bytes out;
  out.reserve(file.size());
  out.insert(out.end(), file.begin(), file.begin() + kHeaderSize);
  for (std::size_t at = kHeaderSize; at < file.size();) {
    UNBOLT_ASSIGN(const Section section, section_at(file, at));
    at = section.end;
    if (section.id == 0) {
      UNBOLT_ASSIGN(const Named custom, custom_section(file, section));
      if (is_token_section(custom.name) || custom.name == kSealSection) continue;
    }
    const ByteView whole = file.subspan(section.begin, section.end - section.begin);
    out.insert(out.end(), whole.begin(), whole.end());
  }
  return out;
}

void append_size(Bytes& out, std::size_t size) {
  for (; size >= 0x80; size >>= 7) out.push_back(static_cast<std::uint8_t>(size | 0x80));
  out.push_back(static_cast<std::uint8_t>(size));
}

void append_custom_section(Bytes& file, std::string_view name, ByteView contents) {
  Bytes body;
  append_size(body, name.size());
  body.insert(body.end(), name.begin(), name.end());
  body.insert(body.end(), contents.begin(), contents.end());
  file.push_back(0);
  append_size(file, body.size());
  file.insert(file.end(), body.begin(), body.end());
}

}  // namespace unbolt::claims
