// Keeps what it is told of changes in the bucket `seen`: how many there were (`sets`, `deletes`), the last one (`last`), and how many
// values it found through the bucket that came along (`found`). Keys that end in `trap` and `loop` do what they say.
#include <stdlib.h>
#include <string.h>

#include "watcher.h"

typedef wasi_keyvalue_store_own_bucket_t bucket_t;

static bool ends_in(watcher_string_t *text, const char *word) {
  size_t length = strlen(word);
  return text->len >= length && memcmp(text->ptr + text->len - length, word, length) == 0;
}

static void behave(watcher_string_t *key) {
  if (ends_in(key, "trap")) __builtin_trap();
  volatile bool on = ends_in(key, "loop");
  while (on) {
  }
}

static void note(const char *count, watcher_string_t *key, watcher_list_u8_t *value) {
  watcher_string_t name, counter, last;
  bucket_t seen;
  wasi_keyvalue_store_error_t failure;
  uint64_t sum;
  watcher_string_set(&name, "seen");
  watcher_string_set(&counter, count);
  watcher_string_set(&last, "last");
  if (!wasi_keyvalue_store_open(&name, &seen, &failure)) __builtin_trap();
  if (!wasi_keyvalue_atomics_increment(wasi_keyvalue_store_borrow_bucket(seen), &counter, 1, &sum, &failure))
    __builtin_trap();
  size_t size = key->len + (value ? 1 + value->len : 0);
  watcher_list_u8_t text = {malloc(size + 1), size};
  memcpy(text.ptr, key->ptr, key->len);
  if (value) {
    text.ptr[key->len] = '=';
    memcpy(text.ptr + key->len + 1, value->ptr, value->len);
  }
  if (!wasi_keyvalue_store_method_bucket_set(wasi_keyvalue_store_borrow_bucket(seen), &last, &text, &failure))
    __builtin_trap();
  free(text.ptr);
  wasi_keyvalue_store_bucket_drop_own(seen);
}

static bool found(bucket_t bucket, watcher_string_t *key) {
  bool there = false;
  wasi_keyvalue_store_error_t failure;
  return wasi_keyvalue_store_method_bucket_exists(wasi_keyvalue_store_borrow_bucket(bucket), key, &there, &failure) &&
         there;
}

void exports_wasi_keyvalue_watcher_on_set(exports_wasi_keyvalue_watcher_own_bucket_t bucket, watcher_string_t *key,
                                          watcher_list_u8_t *value) {
  behave(key);
  if (found(bucket, key)) {
    watcher_list_u8_t nothing = {NULL, 0};
    note("found", key, &nothing);
  }
  note("sets", key, value);
  wasi_keyvalue_store_bucket_drop_own(bucket);
}

void exports_wasi_keyvalue_watcher_on_delete(exports_wasi_keyvalue_watcher_own_bucket_t bucket, watcher_string_t *key) {
  behave(key);
  if (found(bucket, key)) __builtin_trap();
  note("deletes", key, NULL);
  wasi_keyvalue_store_bucket_drop_own(bucket);
}
