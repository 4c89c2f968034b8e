// Several core modules made into one, so that instantiating them in turn is instantiating one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"

namespace unbolt::engine {

// The modules are told apart by their place in `members`. Views end with what they look into.
struct FuseRecipe {
  struct Export {
    std::uint32_t member;
    std::string_view name;
  };
  // An export of a member, or a function from outside by a number of the user's.
  using Source = std::variant<std::uint32_t, Export>;
  struct Member {
    ByteView bytes;
    std::vector<Source> imports;  // in the module's order; of the types that it expects
  };
  std::vector<Member> members;
  // What others take, by position.
  std::vector<Export> exports;
};

// Changes with everything that `fuse` depends on. Reads all bytes of the members once.
std::string digest_of(const FuseRecipe& recipe);

// The one module. It imports the functions from outside from the module "", named by their numbers,
// and exports what others take, named by position. An error says why the members are to be left as
// they are: what one of them does, or is, would be seen to be different.
Result<Bytes> fuse(const FuseRecipe& recipe);

}  // namespace unbolt::engine
