// What is asked of the server, in SQL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "unbolt/postgres/statement.h"

namespace unbolt::providers::kv_postgres {

using postgres::Parameters;
using postgres::Statement;

// A key as the table has it. An index takes rows of at most 2,704 bytes, and a key may be longer:
// `key` is then its start and its SHA-256, and the whole stands in `long_key`. The start is longer
// than nothing but such keys, so no short one is equal to it.
struct StoredKey {
  explicit StoredKey(std::string_view whole);
  bool is_long() const { return long_key; }

  std::string key;
  bool long_key = false;

  static constexpr std::size_t kStart = 1024;
  static constexpr std::size_t kLongest = kStart + 32;
};

// Of one table. Parameters and answers are in the binary format; a bucket is always $1.
//
// Changes are told only while somebody listens: a notification makes commits wait for each other,
// which would cost every write its share of a common flush. Who listens says so in the table
// NAME_watch, with a time until which it holds.
struct Statements {
  explicit Statements(std::string_view table);

  // Creates the tables; several statements without parameters, one transaction.
  std::string create;
  // $1: the table's name as text. Whether it is there.
  Statement is_there;
  // No rows: what the columns are.
  Statement columns;

  Statement get;        // $2 key -> value
  Statement exists;     // $2 key -> 1
  Statement set;        // $2 key, $3 long key or null, $4 value
  Statement remove;     // $2 key, $3 long key or null
  Statement increment;  // $2 key, $3 long key or null, $4 number as text -> sum as bytes, or no row
  // $2 key, $3 long key or null, $4 value, $5 expected or null -> a row where it was stored
  Statement compare_and_set;
  Statement list_first;     // $2 rows (int8) -> whole keys
  Statement list_next;      // $2 key, $3 rows
  Statement get_many;       // $2 keys, $3 most bytes (int8) -> place (int8, from 1), value, bytes
  Statement set_many;       // $2 keys, $3 long keys, $4 values; keys ascending, each once
  Statement remove_many;    // $2 keys
  Statement buckets_first;  // $1 rows (int8) -> names
  Statement buckets_next;   // $2 rows

  // Begins to listen, and says so; text, one transaction.
  std::string listen;
  // Says again that somebody listens.
  Statement listen_on;
  // A payload: 's' or 'd', the bucket's name, ':', the whole key, in base64.
  std::string channel;
};

// Adds the key, and the long key or null. `whole` is the key itself.
Parameters& add_key(Parameters& to, const StoredKey& key, std::string_view whole);

// An array of bytea in the binary format.
class ByteArray {
 public:
  void add(std::string_view bytes);
  void add_null();
  std::string take() &&;

 private:
  std::string items_;
  std::uint32_t count_ = 0;
  bool has_null_ = false;
};

}  // namespace unbolt::providers::kv_postgres
