/* A plug-in in C that misbehaves as MODE says when it is compiled. */
#include <string.h>

#include "unbolt/plugin/unbolt_plugin.h"

enum { Version, Twice, Length, Case, Status, NoTicket, Missing, Mismatch };

static const unbolt_host *host;
struct params {
  unbolt_bytes item;
  uint32_t count;
};
struct result {
  uint8_t is_error;
  union {
    uint64_t cents;
    unbolt_bytes error;
  } of;
};

static unbolt_status quote(void *context, unbolt_call *call, const void *params, void *result) {
  const struct params *in = params;
  struct result *out = result;
  (void)context;
  if (MODE == Twice) {
    struct result answer = {0, {7 * in->count}};
    uint64_t ticket = host->later(call);
    host->complete(host, ticket, &answer);
    if (host->complete(host, ticket, &answer)) return UNBOLT_FAILED;
    return UNBOLT_LATER;
  }
  if (MODE == NoTicket) return UNBOLT_LATER;
  if (MODE == Status) return 99;
  out->is_error = MODE == Case ? 2 : 1;
  out->of.error.data = "x";
  out->of.error.size = (size_t)1 << 60;
  return UNBOLT_DONE;
}

static int open_it(const unbolt_host *of, const unbolt_option *options, size_t count, void **provider,
                   unbolt_error *error) {
  (void)options, (void)count, (void)provider, (void)error;
  host = of;
  return 0;
}
static void close_it(void *provider) { (void)provider; }
static int bind(void *provider, const char *interface, const char *function, const char *signature,
                unbolt_binding *binding, unbolt_error *error) {
  (void)provider, (void)interface, (void)function;
  if (MODE == Mismatch || strcmp(signature, "func(string, u32) -> result<u64, string>") != 0) {
    strcpy(error->message, "another signature");
    return 1;
  }
  binding->function = quote;
  return 0;
}

static const unbolt_plugin plugin = {
    sizeof(unbolt_plugin), MODE == Version ? 7 : UNBOLT_PLUGIN_VERSION, "raw 1.0", open_it, close_it, bind};
#if MODE != 6
const unbolt_plugin *unbolt_plugin_entry(void) { return &plugin; }
#else
const unbolt_plugin *another_entry(void) { return &plugin; }
#endif
