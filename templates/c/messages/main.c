// POST publishes a message, and the handler of messages below logs it. Edit it while `unbolt dev` runs.
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "http.h"

struct response handle(const struct request *request) {
  if (strcmp(request->method, "POST") != 0)
    return (struct response){405, "text/plain", strdup("POST a message\n")};
  wasmcloud_messaging_consumer_broker_message_t message = {
      .body = {(uint8_t *)request->body, request->size}};
  app_string_set(&message.subject, "@NAME@.posted");
  app_string_t why;
  if (!wasmcloud_messaging_consumer_publish(&message, &why)) {
    app_string_free(&why);
    return (struct response){503, "text/plain", strdup("the broker does not answer\n")};
  }
  return (struct response){202, "text/plain", strdup("published\n")};
}

bool exports_wasmcloud_messaging_handler_handle_message(
    exports_wasmcloud_messaging_handler_broker_message_t *message, app_string_t *why) {
  (void)why;
  app_string_t context = message->subject, text = {message->body.ptr, message->body.len};
  wasi_logging_logging_log(WASI_LOGGING_LOGGING_LEVEL_INFO, &context, &text);
  exports_wasmcloud_messaging_handler_broker_message_free(message);
  return true;
}
