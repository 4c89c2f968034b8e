#include "unbolt/postgres/statement.h"

namespace unbolt::postgres {

void append_number(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(number >> shift & 0xff);
}

Parameters& Parameters::add(std::string_view bytes, int format) {
  values_.push_back({std::string(bytes), false, format});
  bytes_ += bytes.size() + sizeof(Value);
  return *this;
}

Parameters& Parameters::add_null() {
  values_.push_back({{}, true, 0});
  bytes_ += sizeof(Value);
  return *this;
}

Parameters& Parameters::add_number(std::int64_t number) {
  std::string bytes;
  append_number(bytes, static_cast<std::uint64_t>(number), 8);
  return add(bytes);
}

std::vector<const char*> Parameters::values() const {
  std::vector<const char*> out;
  for (const Value& value : values_) out.push_back(value.is_null ? nullptr : value.bytes.data());
  return out;
}

std::vector<int> Parameters::lengths() const {
  std::vector<int> out;
  for (const Value& value : values_) out.push_back(static_cast<int>(value.bytes.size()));
  return out;
}

std::vector<int> Parameters::formats() const {
  std::vector<int> out;
  for (const Value& value : values_) out.push_back(value.format);
  return out;
}

}  // namespace unbolt::postgres
