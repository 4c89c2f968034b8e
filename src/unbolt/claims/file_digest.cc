// OpenSSL's newer interface has no state that can be copied without allocating.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "unbolt/claims/file_digest.h"

#include <openssl/sha.h>

namespace unbolt::claims {
namespace {

constexpr int kDeepest = 32;

// In a component, the sections that hold a whole module or component.
bool holds_a_file(Layer layer, const Section& section) {
  return layer == Layer::Component && (section.id == 1 || section.id == 4);
}

Result<bool> is_token(ByteView file, const Section& section) {
  if (section.id != 0) return false;
  UNBOLT_ASSIGN(const Named custom, custom_section(file, section));
  return is_token_section(custom.name);
}

// Whether respelling would change nothing; what the outermost layer has of tokens is not looked at.
Result<bool> spelt_alike(ByteView file, int depth) {
  if (depth > kDeepest)
    return fail(ErrorCode::LimitExceeded, "components are nested more than {} deep", kDeepest);
  UNBOLT_ASSIGN(const Layer layer, layer_of(file));
  bool alike = true;
  for (std::size_t at = kHeaderSize; at < file.size();) {
    UNBOLT_ASSIGN(const Section section, section_at(file, at));
    at = section.end;
    UNBOLT_ASSIGN(const bool token, is_token(file, section));
    if (token && depth == 0) continue;
    if (token || !section.shortest) alike = false;
    if (holds_a_file(layer, section)) {
      UNBOLT_ASSIGN(const bool inside,
                    spelt_alike(file.subspan(section.body, section.end - section.body), depth + 1));
      alike = alike && inside;
    }
  }
  return alike;
}

// `file` was seen by spelt_alike(): it is well formed, and not too deep.
Result<Bytes> respelt(ByteView file) {
  UNBOLT_ASSIGN(const Layer layer, layer_of(file));
  Bytes out(file.begin(), file.begin() + kHeaderSize);
  out.reserve(file.size());
  for (std::size_t at = kHeaderSize; at < file.size();) {
    UNBOLT_ASSIGN(const Section section, section_at(file, at));
    at = section.end;
    UNBOLT_ASSIGN(const bool token, is_token(file, section));
    if (token) continue;
    ByteView body = file.subspan(section.body, section.end - section.body);
    Bytes inside;
    if (holds_a_file(layer, section)) {
      UNBOLT_ASSIGN(inside, respelt(body));
      body = inside;
    }
    out.push_back(section.id);
    append_size(out, body.size());
    out.insert(out.end(), body.begin(), body.end());
  }
  return out;
}

class Hash {
 public:
  Hash() { SHA256_Init(&state_); }
  void add(ByteView bytes) { SHA256_Update(&state_, bytes.data(), bytes.size()); }
  Sha256 finish() const {
    SHA256_CTX copy = state_;
    Sha256 digest;
    SHA256_Final(digest.data(), &copy);
    return digest;
  }

 private:
  SHA256_CTX state_;
};

// Of `file` without these sections, which stand in it in this order.
template <class... Sections>
Sha256 hash_without(ByteView file, const Sections*... sections) {
  Hash hash;
  std::size_t at = 0;
  const auto leave_out = [&](const ClaimSections::Found* found) {
    if (!found) return;
    hash.add(file.subspan(at, found->section.begin - at));
    at = found->section.end;
  };
  (leave_out(sections), ...);
  hash.add(file.subspan(at));
  return hash.finish();
}

std::string digits(const Sha256& digest, std::string_view alphabet) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += alphabet[byte >> 4];
    text += alphabet[byte & 15];
  }
  return text;
}

}  // namespace

Result<FileDigests> file_digests(ByteView file, const ClaimSections& claims) {
  FileDigests digests{};
  UNBOLT_ASSIGN(digests.same_spelling, spelt_alike(file, 0));
  const auto* token = claims.token ? &*claims.token : nullptr;
  const auto* seal = claims.seal ? &*claims.seal : nullptr;
  const bool at_end = token && seal && seal->section.end == token->section.begin &&
                      token->section.end == file.size();
  if (at_end && digests.same_spelling) {
    // As this program signs: one pass for both.
    Hash hash;
    hash.add(file.first(seal->section.begin));
    digests.contents = hash.finish();
    hash.add(file.subspan(seal->section.begin, seal->section.end - seal->section.begin));
    digests.wascap = hash.finish();
    return digests;
  }
  const bool seal_first = !token || !seal || seal->section.begin < token->section.begin;
  digests.contents = seal_first ? hash_without(file, seal, token) : hash_without(file, token, seal);
  if (digests.same_spelling) {
    digests.wascap = hash_without(file, token);
  } else {
    UNBOLT_ASSIGN(const Bytes bytes, respelt(file));
    digests.wascap = sha256_of(bytes);
  }
  return digests;
}

std::string hex(const Sha256& digest) { return digits(digest, "0123456789abcdef"); }
std::string upper_hex(const Sha256& digest) { return digits(digest, "0123456789ABCDEF"); }

Sha256 sha256_of(ByteView bytes) {
  Hash hash;
  hash.add(bytes);
  return hash.finish();
}

}  // namespace unbolt::claims
