// A handler of messages that does what the body says: `trap`, `loop`, `fail`; `ask SUBJECT` sends a request there and
// passes the answer on; anything else it answers in upper case. It counts each message that it handles in a bucket.
#include <stdlib.h>
#include <string.h>

#include "messages.h"

typedef wasmcloud_messaging_consumer_broker_message_t message_t;

static bool is(messages_list_u8_t body, const char *word) {
  return body.len == strlen(word) && memcmp(body.ptr, word, body.len) == 0;
}

static bool count(messages_string_t *err) {
  messages_string_t name, key;
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t failure;
  uint64_t sum;
  messages_string_set(&name, "counts");
  messages_string_set(&key, "handled");
  bool good = wasi_keyvalue_store_open(&name, &bucket, &failure);
  if (good) {
    good = wasi_keyvalue_atomics_increment(wasi_keyvalue_store_borrow_bucket(bucket), &key, 1, &sum, &failure);
    wasi_keyvalue_store_bucket_drop_own(bucket);
  }
  if (!good) messages_string_dup(err, "the count cannot be kept");
  return good;
}

bool exports_wasmcloud_messaging_handler_handle_message(exports_wasmcloud_messaging_handler_broker_message_t *msg,
                                                        messages_string_t *err) {
  messages_list_u8_t body = msg->body;
  if (is(body, "trap")) __builtin_trap();
  if (is(body, "fail")) {
    messages_string_dup(err, "told to fail");
    return false;
  }
  volatile bool on = is(body, "loop");
  while (on) {
  }

  if (body.len > 4 && memcmp(body.ptr, "ask ", 4) == 0) {
    messages_string_t subject = {body.ptr + 4, body.len - 4};
    messages_list_u8_t question = {(uint8_t *)"question", 8};
    message_t answer;
    if (!wasmcloud_messaging_consumer_request(&subject, &question, 5000, &answer, err)) return false;
    body = answer.body;
  } else {
    for (size_t i = 0; i < body.len; ++i)
      if (body.ptr[i] >= 'a' && body.ptr[i] <= 'z') body.ptr[i] -= 'a' - 'A';
  }
  if (!count(err)) return false;
  if (!msg->reply_to.is_some) return true;
  message_t reply = {.subject = msg->reply_to.val, .body = body};
  return wasmcloud_messaging_consumer_publish(&reply, err);
}
