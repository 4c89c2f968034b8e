#include "unbolt/component/wit_tools.h"

#include <unbolt_native.h>

namespace unbolt::component {
namespace {

std::string take(char* text) {
  std::string copy = text ? text : "";
  unbolt_string_delete(text);
  return copy;
}

const char* text_or_null(const std::optional<std::string>& text) {
  return text ? text->c_str() : nullptr;
}

}  // namespace

Result<std::string> wit_text(ByteView bytes, WitExtent extent) {
  char* text = nullptr;
  const bool done =
      unbolt_wit_text(bytes.data(), bytes.size(), extent == WitExtent::Package, &text);
  std::string taken = take(text);
  if (!done) return fail(ErrorCode::InvalidFile, "{}", taken);
  return taken;
}

Result<std::map<std::string, std::string>> bindings(const std::string& language,
                                                    const WorldPlace& world) {
  std::map<std::string, std::string> files;
  char* message = nullptr;
  const auto take_file = [](void* context, const char* name, const std::uint8_t* bytes,
                            std::size_t length) {
    static_cast<std::map<std::string, std::string>*>(context)->emplace(
        name, as_text(ByteView(bytes, length)));
  };
  if (!unbolt_bindgen(language.c_str(), world.wit.c_str(), text_or_null(world.world), take_file,
                      &files, &message)) {
    return fail(ErrorCode::InvalidFile, "{}", take(message));
  }
  return files;
}

Result<Bytes> make_component(ByteView module, const std::optional<WorldPlace>& world) {
  std::uint8_t* out = nullptr;
  std::size_t length = 0;
  char* message = nullptr;
  const char* wit = world ? world->wit.c_str() : nullptr;
  const char* name = world ? text_or_null(world->world) : nullptr;
  if (!unbolt_componentize(module.data(), module.size(), wit, name, &out, &length, &message))
    return fail(ErrorCode::InvalidFile, "{}", take(message));
  Bytes component(out, out + length);
  unbolt_bytes_delete(out, length);
  return component;
}

}  // namespace unbolt::component
