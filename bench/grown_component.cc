#include "bench/grown_component.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace unbolt::bench {
namespace {

// What a binary is written with: LEB128 numbers, names, and sections that carry their size.
class Writer {
 public:
  Writer& byte(std::uint8_t value) {
    out_.push_back(value);
    return *this;
  }
  Writer& raw(ByteView bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Writer& u32(std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    return byte(static_cast<std::uint8_t>(value));
  }
  Writer& name(std::string_view text) {
    return u32(static_cast<std::uint32_t>(text.size())).raw(as_bytes(text));
  }
  Writer& section(std::uint8_t id, const Writer& content) {
    return byte(id).u32(static_cast<std::uint32_t>(content.out_.size())).raw(content.out_);
  }
  const Bytes& bytes() const { return out_; }

 private:
  Bytes out_;
};

constexpr std::array<std::uint8_t, 8> kCore{0, 'a', 's', 'm', 1, 0, 0, 0};
constexpr std::array<std::uint8_t, 8> kComponent{0, 'a', 's', 'm', 0x0d, 0, 1, 0};
constexpr std::uint8_t kI32 = 0x7f, kU32 = 0x79;

Writer core_module() { return Writer().raw(kCore); }
Writer component() { return Writer().raw(kComponent); }

// A vector of one thing.
Writer one() { return Writer().u32(1); }

// (type (func (param i32) (result i32)))
Writer one_core_type() { return one().byte(0x60).u32(1).byte(kI32).u32(1).byte(kI32); }

// Bodies that give their parameter back.
Writer bodies(std::uint32_t count) {
  Writer out;
  out.u32(count);
  for (std::uint32_t i = 0; i < count; ++i) out.u32(4).u32(0).byte(0x20).u32(0).byte(0x0b);
  return out;
}

std::string func_name(std::uint32_t index) { return fmt::format("f{}", index); }

}  // namespace

Bytes component_with_data(std::uint32_t size) {
  constexpr std::uint32_t kPage = 65'536;
  Bytes data(size);
  // No page of zeros, of which the engine would keep nothing.
  for (std::uint32_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(i * 31 + i / 977);
  auto module = core_module();
  module.section(5, one().byte(0).u32((size + kPage - 1) / kPage));
  module.section(11, one().byte(0).byte(0x41).byte(0).byte(0x0b).name(as_text(data)));
  auto out = component();
  out.section(1, module);
  out.section(2, one().byte(0).u32(0).u32(0));
  return out.bytes();
}

Bytes component_with_functions(std::uint32_t count) {
  auto module = core_module();
  module.section(1, one_core_type());
  Writer funcs, exports;
  funcs.u32(count);
  exports.u32(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    funcs.u32(0);
    exports.name(func_name(i)).byte(0).u32(i);
  }
  module.section(3, funcs);
  module.section(7, exports);
  module.section(10, bodies(count));

  auto out = component();
  out.section(1, module);
  out.section(2, one().byte(0).u32(0).u32(0));
  // (type (func (param "x" u32) (result u32)))
  out.section(7, one().byte(0x40).u32(1).name("x").byte(kU32).byte(0).byte(kU32));
  Writer aliases, lifts, names;
  for (Writer* all : {&aliases, &lifts, &names}) all->u32(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    aliases.byte(0).byte(0).byte(1).u32(0).name(func_name(i));  // (core func (core instance 0))
    lifts.byte(0).byte(0).u32(i).u32(0).u32(0);                 // (canon lift), no options
    names.byte(0).name(func_name(i)).byte(1).u32(i).byte(0);    // no type ascribed
  }
  out.section(6, aliases);
  out.section(8, lifts);
  out.section(11, names);
  return out.bytes();
}

Bytes component_with_instances(std::uint32_t count) {
  auto first = core_module();
  first.section(1, one_core_type());
  first.section(3, one().u32(0));
  first.section(7, one().name("f").byte(0).u32(0));
  first.section(10, bodies(1));
  auto next = core_module();
  next.section(1, one_core_type());
  next.section(2, one().name("before").name("f").byte(0).u32(0));
  next.section(3, one().u32(0));
  next.section(7, one().name("f").byte(0).u32(1));
  next.section(10, bodies(1));

  auto out = component();
  out.section(1, first);
  out.section(1, next);
  Writer instances;
  instances.u32(count).byte(0).u32(0).u32(0);
  for (std::uint32_t i = 1; i < count; ++i) {
    instances.byte(0).u32(1).u32(1).name("before").byte(0x12).u32(i - 1);
  }
  out.section(2, instances);
  return out.bytes();
}

}  // namespace unbolt::bench
