#include "unbolt/engine/fused_module.h"

#include <fmt/format.h>

#include "unbolt/engine/capi.h"
#include "unbolt/engine/compiled_cache.h"

namespace unbolt::engine {
namespace {

// To be changed with what `fuse` makes of a recipe.
constexpr std::string_view kVersion = "fused module 1";

unbolt_fuse_item_t item_of(const FuseRecipe::Export& item) {
  return {item.member, 0, item.name.data(), item.name.size()};
}

unbolt_fuse_item_t item_of(const FuseRecipe::Source& source) {
  if (const auto* item = std::get_if<FuseRecipe::Export>(&source)) return item_of(*item);
  return {UNBOLT_FUSE_OUTSIDE, std::get<std::uint32_t>(source), nullptr, 0};
}

}  // namespace

std::string digest_of(const FuseRecipe& recipe) {
  std::string text(kVersion);
  // Names may hold anything: each comes with its length.
  const auto put = [&](const unbolt_fuse_item_t& item) {
    fmt::format_to(std::back_inserter(text), "\n{} {} {} ", item.member, item.outside,
                   item.name_length);
    text.append(item.name ? item.name : "", item.name_length);
  };
  for (const auto& member : recipe.members) {
    fmt::format_to(std::back_inserter(text), "\nmember {}", sha256_hex(member.bytes));
    for (const auto& source : member.imports) put(item_of(source));
  }
  text += "\nexports";
  for (const auto& item : recipe.exports) put(item_of(item));
  return sha256_hex(as_bytes(text));
}

Result<Bytes> fuse(const FuseRecipe& recipe) {
  std::vector<std::vector<unbolt_fuse_item_t>> imports;
  std::vector<unbolt_fuse_member_t> members;
  std::vector<unbolt_fuse_item_t> exports;
  for (const auto& member : recipe.members) {
    auto& items = imports.emplace_back();
    for (const auto& source : member.imports) items.push_back(item_of(source));
  }
  for (std::size_t i = 0; i < imports.size(); ++i) {
    const ByteView bytes = recipe.members[i].bytes;
    members.push_back({bytes.data(), bytes.size(), imports[i].data(), imports[i].size()});
  }
  for (const auto& item : recipe.exports) exports.push_back(item_of(item));
  std::uint8_t* out = nullptr;
  std::size_t length = 0;
  char* message = nullptr;
  if (!unbolt_fuse(members.data(), members.size(), exports.data(), exports.size(), &out, &length,
                   &message)) {
    Error error{ErrorCode::Unsupported, message, {}};
    unbolt_string_delete(message);
    return std::unexpected(std::move(error));
  }
  Bytes bytes(out, out + length);
  unbolt_bytes_delete(out, length);
  return bytes;
}

}  // namespace unbolt::engine
