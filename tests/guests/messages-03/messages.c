// A handler of messages of a version that the host has not: it answers each with what it was sent.
#include "messages_next.h"

bool exports_wasmcloud_messaging_handler_handle_message(exports_wasmcloud_messaging_handler_broker_message_t *msg,
                                                        messages_next_string_t *err) {
  if (!msg->reply_to.is_some) return true;
  wasmcloud_messaging_consumer_broker_message_t reply = {.subject = msg->reply_to.val, .body = msg->body};
  return wasmcloud_messaging_consumer_publish(&reply, err);
}
