// `unbolt keys`: the user's own keys.
#pragma once

#include <string>

namespace unbolt::cli {

struct NewKeyOptions {
  std::string kind = "account";
  std::string name;  // empty: as the kind
  std::string output = "text";
};
int new_key_command(const NewKeyOptions& options);

struct ListKeysOptions {
  std::string output = "text";
};
int list_keys_command(const ListKeysOptions& options);

// Prints the public key; the seed only where `secret` asks for it.
struct ShowKeyOptions {
  std::string name;
  bool secret = false;
};
int show_key_command(const ShowKeyOptions& options);

}  // namespace unbolt::cli
