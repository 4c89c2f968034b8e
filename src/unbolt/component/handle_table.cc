#include "unbolt/component/handle_table.h"

#include <fmt/format.h>

namespace unbolt::component {

std::string unknown_handle(std::uint32_t index) {
  return fmt::format("unknown handle index {}", index);
}

std::string wrong_handle(std::uint32_t index, const HandleEntry& found, bool host_expected) {
  return fmt::format(
      "handle index {} used with the wrong type, expected {}-defined resource but found a "
      "different {}-defined resource",
      index, host_expected ? "host" : "guest", found.host ? "host" : "guest");
}

}  // namespace unbolt::component
