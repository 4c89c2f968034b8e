#include "unbolt/engine/split_module.h"

#include <algorithm>
#include <string_view>

#include "unbolt/engine/capi.h"

namespace unbolt::engine {
namespace {

Bytes take(std::uint8_t* bytes, std::size_t length) {
  Bytes taken(bytes, bytes + length);
  unbolt_bytes_delete(bytes, length);
  return taken;
}

}  // namespace

std::optional<SplitModule> split(ByteView module) {
  std::uint8_t *code = nullptr, *image = nullptr;
  std::size_t code_length = 0, image_length = 0;
  char* names = nullptr;
  if (!unbolt_split(module.data(), module.size(), &code, &code_length, &image, &image_length,
                    &names)) {
    return std::nullopt;
  }
  SplitModule made{take(code, code_length), take(image, image_length), {}};
  for (std::string_view rest = names; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    made.shared.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  unbolt_string_delete(names);
  return made;
}

}  // namespace unbolt::engine
