// Arguments as JSON: whatever text comes, it is read or refused; and what was read is written as
// JSON that is read as the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "unbolt/component/value_json.h"

namespace {

using namespace unbolt::component;

// A function with a parameter of each kind of type.
struct Everything {
  Everything() {
    using enum TypeKind;
    const auto scalar = [&](TypeKind kind) { return types.add({.kind = kind}); };
    const auto of = [&](TypeKind kind, std::vector<const Type*> children,
                        std::vector<std::string> labels = {}) {
      return types.add(
          {.kind = kind, .labels = std::move(labels), .children = std::move(children)});
    };
    const Type* text = scalar(String);
    const Type* small = scalar(S8);
    const Type* option = of(Option, {nullptr, small});
    const Type* color = of(Enum, {nullptr, nullptr}, {"red", "dark-blue"});
    const Type* pair = of(Tuple, {text, scalar(U64)});
    const Type* record =
        of(Record, {scalar(S64), option, of(List, {text})}, {"id", "max-age", "tags"});
    const Type* all[] = {
        scalar(Bool),
        small,
        scalar(U16),
        scalar(S32),
        scalar(U64),
        scalar(TypeKind::F32),
        scalar(TypeKind::F64),
        scalar(Char),
        text,
        of(List, {scalar(U8)}),
        of(List, {record}),
        types.add({.kind = List, .children = {small}, .length = 2}),
        of(Option, {nullptr, option}),
        of(Map, {text, scalar(U64), pair}),
        of(TypeKind::Flags, {}, {"can-read", "x"}),
        of(Variant, {nullptr, pair, record}, {"nothing", "two", "rec"}),
        of(TypeKind::Result, {nullptr, color}),
    };
    for (const Type* type : all)
      func.params.push_back({std::string("p") + std::to_string(func.params.size()), type});
  }
  TypeArena types;
  FuncType func;
};

std::string written(const FuncType& func, const Values& values) {
  std::string out = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    write_json(*func.params[i].type, values[i], out);
  }
  return out + ']';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Everything everything;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Every kind by itself, so that one that is wrong does not hide the others.
  for (const auto& param : everything.func.params)
    (void)arguments_from_text({.params = {param}}, text);
  const auto values = arguments_from_text(everything.func, text);
  if (!values) {
    if (values.error().message.empty()) std::abort();
    return 0;
  }
  const std::string first = written(everything.func, *values);
  const auto again = arguments_from_text(everything.func, first);
  if (!again || written(everything.func, *again) != first) std::abort();
  return 0;
}
