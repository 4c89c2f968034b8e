// Files: the decoder and the planner must come to an end with whatever they are given, with no
// validator in front of them, and with everything that is valid they must either agree or say what
// they do not support. One exception: the reference validator takes a nested component that is
// longer than the file that holds it.
#include <cstdint>
#include <cstdlib>

#include "unbolt/component/decoder.h"
#include "unbolt/component/fusion.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/component/value_call.h"

namespace {

using namespace unbolt;
using namespace unbolt::component;

template <class T>
bool says_why(const Result<T>& result) {
  return result || !result.error().message.empty();
}

// Whatever a plan is asked before it is linked.
void ask(const Plan& plan) {
  static const HostInterfaces nothing;
  for (const auto& unmet : unmet_imports(plan, nothing)) {
    if (unmet.problem.empty()) std::abort();
  }
  for (const auto& import : plan.imported_funcs) (void)to_wit(*import->type);
  for (const auto& item : plan.exports) {
    (void)to_wit(*item.type);
    (void)check_callable(item);
    if (!equal_shape(*item.type, *item.type)) std::abort();
  }
  for (const Fusion& fusion : plan_fusions(plan)) {
    if (!says_why(engine::fuse(fusion.recipe))) std::abort();
  }
}

void plan(const std::shared_ptr<ast::Component>& component) {
  const auto made = make_plan(component);
  if (!says_why(made)) std::abort();
  if (made) ask(**made);
  const auto package = read_wit_package(component);
  if (!says_why(package)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const FileKind kind = file_kind(bytes);
  (void)core_interface(bytes);
  const auto decoded = decode(bytes);
  if (decoded && *decoded == nullptr) std::abort();
  if (!says_why(decoded)) std::abort();
  if (decoded) plan(*decoded);
  if (kind == FileKind::Component && !decoded && decoded.error().code != ErrorCode::Unsupported &&
      decoded.error().message.find("unexpected end") == std::string::npos &&
      validate(bytes, Bodies::Check)) {
    std::abort();
  }
  return 0;
}
