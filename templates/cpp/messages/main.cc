// POST publishes a message, and the handler of messages below logs it. Edit it while `unbolt dev` runs.
#include "http.h"

Response handle(const Request& request) {
  if (request.method != "POST") return {405, "POST a message\n"};
  wasmcloud_messaging_consumer_broker_message_t message = {};
  message.subject = lend("@NAME@.posted");
  message.body.ptr = lend(request.body).ptr;
  message.body.len = request.body.size();
  app_string_t why;
  if (wasmcloud_messaging_consumer_publish(&message, &why)) return {202, "published\n"};
  return {503, "the broker: " + take(why) + "\n"};
}

extern "C" bool exports_wasmcloud_messaging_handler_handle_message(
    exports_wasmcloud_messaging_handler_broker_message_t* message, app_string_t*) {
  app_string_t context = message->subject, text = {message->body.ptr, message->body.len};
  wasi_logging_logging_log(WASI_LOGGING_LOGGING_LEVEL_INFO, &context, &text);
  exports_wasmcloud_messaging_handler_broker_message_free(message);
  return true;
}
