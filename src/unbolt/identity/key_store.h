// Seeds in a folder that only its owner can read, one file `NAME.nk` each, as wasmCloud's tools
// keep theirs.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/identity/key_pair.h"

namespace unbolt::identity {

struct NamedKey {
  std::string name;
  PublicKey key;
};

// Holds no secret itself: each call reads what it needs. Errors are about files and names, and
// repeat nothing that could be a seed.
class KeyStore {
 public:
  explicit KeyStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // $XDG_DATA_HOME/unbolt/keys, or ~/.local/share/unbolt/keys.
  static Result<KeyStore> of_user();

  const std::filesystem::path& folder() const { return folder_; }

  // Makes the folder (0700) where it is missing, and the file (0600) whole or not at all. Conflict
  // where there is a key of this name.
  Result<> add(std::string_view name, const KeyPair& key) const;
  // By name, by public key, or a file with a seed where `which` has a slash. Denied where others
  // than the owner could read it.
  Result<KeyPair> find(std::string_view which) const;
  // `which` itself where it is a public key, or that of the key which `find` finds.
  Result<PublicKey> public_key(std::string_view which) const;
  // Sorted by name. A file that holds no seed is left out, and its name put into `unreadable`.
  Result<std::vector<NamedKey>> list(std::vector<std::string>* unreadable = nullptr) const;

 private:
  Result<> check_folder() const;
  std::filesystem::path folder_;
};

}  // namespace unbolt::identity
