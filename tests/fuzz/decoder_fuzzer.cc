// Files: the decoder must come to an end with whatever it is given, and with everything that is
// valid it must either agree or say what it does not support. One exception: the reference
// validator takes a nested component that is longer than the file that holds it.
#include <cstdint>
#include <cstdlib>

#include "unbolt/component/decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace unbolt;
  const ByteView bytes(data, size);
  const component::FileKind kind = component::file_kind(bytes);
  (void)component::core_interface(bytes);
  const auto decoded = component::decode(bytes);
  if (decoded && *decoded == nullptr) std::abort();
  if (!decoded && decoded.error().message.empty()) std::abort();
  if (kind == component::FileKind::Component && !decoded &&
      decoded.error().code != ErrorCode::Unsupported &&
      decoded.error().message.find("unexpected end") == std::string::npos &&
      component::validate(bytes, component::Bodies::Check)) {
    std::abort();
  }
  return 0;
}
