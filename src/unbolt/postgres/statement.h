// What is asked of a server, with its values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/bytes.h"

namespace unbolt::postgres {

// Prepared once a connection, under its name.
struct Statement {
  std::string name;
  std::string sql;
};

// Parameters in the order of their numbers.
class Parameters {
 public:
  // In the binary format of the type that the server expects.
  Parameters& add(std::string_view bytes) { return add(bytes, 1); }
  Parameters& add(ByteView bytes) { return add(as_text(bytes)); }
  Parameters& add_number(std::int64_t number);  // an int8
  // As a text, which the server reads as the type that it expects. Without zero bytes: it would end
  // there.
  Parameters& add_text(std::string_view text) { return add(text, 0); }
  Parameters& add_null();

  int size() const { return static_cast<int>(values_.size()); }
  std::size_t bytes() const { return bytes_; }  // with what each takes here
  // For libpq; they hold as long as this does.
  std::vector<const char*> values() const;
  std::vector<int> lengths() const;
  std::vector<int> formats() const;

 private:
  struct Value {
    std::string bytes;
    bool is_null;
    int format;
  };
  Parameters& add(std::string_view bytes, int format);

  std::vector<Value> values_;
  std::size_t bytes_ = 0;
};

// Big-endian, as the binary formats have it.
void append_number(std::string& out, std::uint64_t number, int bytes);

}  // namespace unbolt::postgres
