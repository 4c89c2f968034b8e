// Values of the layer's own to and from the form that both sides are compared in (README.md).
#pragma once

#include <functional>

#include "unbolt/base/bytes.h"
#include "unbolt/component/value.h"

namespace unbolt::oracle {

// What stands behind the numbers of handles; throws where the bytes are not of the type.
using MakeHandle = std::function<component::Value(const component::Type&, std::uint32_t rep)>;
using ReadHandle = std::function<std::uint32_t(component::Value&)>;

class Decoder {
 public:
  Decoder(ByteView bytes, MakeHandle make) : bytes_(bytes), make_(std::move(make)) {}
  component::Value value(const component::Type& type);
  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  ByteView counted();
  bool at_end() const { return bytes_.empty(); }

 private:
  ByteView take(std::size_t count);
  ByteView bytes_;
  MakeHandle make_;
};

// Takes handles out of the value.
void encode(const component::Type& type, component::Value& value, const ReadHandle& read,
            Bytes& out);

}  // namespace unbolt::oracle
