// The digests that claims hold of the file they stand in.
#pragma once

#include <array>
#include <string>

#include "unbolt/claims/sections.h"

namespace unbolt::claims {

using Sha256 = std::array<std::uint8_t, 32>;

struct FileDigests {
  // Of the bytes outside of the token's section and the seal's, just as they are.
  Sha256 contents;
  // wasmCloud's `hash`: of all but the token, the seal included, in that tool's own spelling. It
  // writes every section's size as short as can be, at every depth, and leaves out every section
  // named as a token's, at every depth; files of today's tools mostly are in that spelling already.
  Sha256 wascap;
  bool same_spelling = true;  // the file is
};
// `claims` was found in `file`. LimitExceeded where components are nested more than 32 deep.
Result<FileDigests> file_digests(ByteView file, const ClaimSections& claims);

std::string hex(const Sha256& digest);        // lower case
std::string upper_hex(const Sha256& digest);  // as wasmCloud writes it
Sha256 sha256_of(ByteView bytes);

}  // namespace unbolt::claims
