// What the server runs for a write: the value, the listing and the report of the change as one
// step.
#pragma once

#include "unbolt/providers/kv_redis/command.h"

namespace unbolt::providers::redis {

// KEYS: the values and the keys of the bucket, the buckets. ARGV: the channel, the bucket's name,
// and what is said at each.
struct Scripts {
  Script set = Script::of(text_of_set());        // key, value, key, value, …
  Script remove = Script::of(text_of_remove());  // key, key, …
  // key, number. Answers {1, the sum}; where there is none {0, the start of the value}.
  Script increment = Script::of(text_of_increment());
  // key, '1' and the expected value or '0' and anything, value. Answers whether it stored it: 1 or
  // 0.
  Script compare_and_set = Script::of(text_of_compare_and_set());
  // Of KEYS the values alone; ARGV: most bytes in the answer, key, key, … Answers one value a key,
  // or a number where there would be more bytes.
  Script get_many = Script::of(text_of_get_many());

 private:
  static std::string text_of_set();
  static std::string text_of_remove();
  static std::string text_of_increment();
  static std::string text_of_compare_and_set();
  static std::string text_of_get_many();
};

}  // namespace unbolt::providers::redis
