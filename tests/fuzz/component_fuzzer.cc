// Whole components: what the validator takes must be decoded, planned and linked to an end,
// whatever it is; and a link to a host that offers nothing never needs the compiler.
#include <cstdint>
#include <cstdlib>

#include "unbolt/component/linked_component.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace unbolt;
  using component::ComponentFile;
  const component::HostInterfaces nothing;
  for (const auto checked : {ComponentFile::Checked::No, ComponentFile::Checked::Before}) {
    const auto file = ComponentFile::load(Bytes(data, data + size), checked);
    if (!file) {
      if (file.error().message.empty()) std::abort();
      continue;
    }
    for (const auto& unmet : component::unmet_imports((*file)->plan(), nothing)) {
      if (unmet.problem.empty()) std::abort();
    }
    for (const auto& item : (*file)->plan().exports) (void)component::to_wit(*item.type);
  }
  return 0;
}
