// Counts the visits of each path in a key-value store. Edit it while `unbolt dev` runs: the counts stay.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "http.h"

static bool count(const char *path, uint64_t *visits) {
  app_string_t name, key = {(uint8_t *)path, strlen(path)};
  app_string_set(&name, "default");
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  bool good = wasi_keyvalue_store_open(&name, &bucket, &error);
  if (good) {
    good = wasi_keyvalue_atomics_increment(wasi_keyvalue_store_borrow_bucket(bucket), &key, 1,
                                           visits, &error);
    wasi_keyvalue_store_bucket_drop_own(bucket);
  }
  if (!good) wasi_keyvalue_store_error_free(&error);
  return good;
}

struct response handle(const struct request *request) {
  uint64_t visits;
  if (!count(request->path, &visits))
    return (struct response){503, "text/plain", strdup("the store does not answer\n")};
  char *text = NULL;
  asprintf(&text, "%s was visited %llu times\n", request->path, visits);
  return (struct response){200, "text/plain", text};
}
