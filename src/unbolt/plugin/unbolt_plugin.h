/* A provider of one's own, as a shared library that the host loads:
 * `plugin:PATH.so[?NAME=VALUE&…]`.
 *
 * This is the whole interface between the two, C99 and nothing else. unbolt_plugin.hpp makes a
 * provider of a C++ class with it in a few lines.
 *
 * A plug-in is part of the host's process, with all of its rights: what crashes in it while it runs
 * takes the host down. All its functions may be called on several threads at once, except `close`.
 *
 * Values lie in memory as the C structs that a C compiler makes of them on a 64-bit machine (the
 * canonical ABI with 64-bit addresses):
 *   bool                            uint8_t, 0 or 1
 *   u8 … u64, s8 … s64, f32, f64    uint8_t … int64_t, float, double
 *   char                            uint32_t, a Unicode scalar value
 *   string                          unbolt_bytes: UTF-8
 *   list<T>                         unbolt_bytes: `size` is the number of elements
 *   map<K, V>                       the same, of structs of both
 *   record, tuple                   a struct of the fields
 *   list<T, N>                      T[N]
 *   enum                            the case's number: uint8_t, uint16_t from 257 cases on
 *   flags                           uint8_t, uint16_t or uint32_t, the first flag is the lowest bit
 *   variant, option, result         a struct of the case's number, as enum's (none and ok are 0),
 * and a union of the payloads Resources, streams and futures do not cross yet: an interface that
 * has them is refused.
 */
#ifndef UNBOLT_PLUGIN_H
#define UNBOLT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a plug-in would have to be changed. What is added at the end of a struct does not
 * change it: `size` says how much is there. */
#define UNBOLT_PLUGIN_VERSION 1u

typedef struct unbolt_bytes {
  const void* data; /* null only where `size` is 0 */
  size_t size;
} unbolt_bytes;

typedef int32_t unbolt_status;
#define UNBOLT_DONE 0   /* the result is in its place */
#define UNBOLT_FAILED 1 /* `fail` was told why: the component traps */
#define UNBOLT_LATER 2  /* `later` was asked for a ticket, and `complete` will be called with it */

#define UNBOLT_DEBUG 1
#define UNBOLT_INFO 2
#define UNBOLT_WARN 3
#define UNBOLT_ERROR 4

/* One call of a function; it ends when that returns. */
typedef struct unbolt_call unbolt_call;

typedef struct unbolt_host unbolt_host;
/* What the host does for a plug-in. It is there from `open` until `close` has returned. */
struct unbolt_host {
  uint32_t size;
  uint32_t version;
  /* A line in the host's log, on any thread. */
  void (*log)(const unbolt_host* host, int32_t level, const char* text, size_t length);

  /* During the call alone. */
  /* Memory for what a result leads to; the host frees it once it has read the result. Null where
   * there is no more for one call (64 MiB), or `alignment` is no power of two up to 16. */
  void* (*allocate)(unbolt_call* call, size_t size, size_t alignment);
  /* Says why the function fails; answers UNBOLT_FAILED, to be returned. */
  unbolt_status (*fail)(unbolt_call* call, const char* reason, size_t length);
  /* A ticket for the answer that comes later, to be returned with UNBOLT_LATER. 0: too many calls
   * wait already, or this one has its ticket. The parameters end with the call: copy them. */
  uint64_t (*later)(unbolt_call* call);

  /* Answers a call, once, on any thread, from `later` on. The host has read the result when it
   * returns. 1: it took the answer. 0: nobody waits for it, as it came twice, or after the
   * deadline. */
  int (*complete)(const unbolt_host* host, uint64_t ticket, const void* result);
  int (*complete_failed)(const unbolt_host* host, uint64_t ticket, const char* reason,
                         size_t length);
};

/* `params` is a struct of the parameters, which ends when the function returns; `result` is zeros,
 * large enough for the result. What a result leads to was got of `allocate`, or stays as it is for
 * as long as the provider is open. */
typedef unbolt_status (*unbolt_function)(void* context, unbolt_call* call, const void* params,
                                         void* result);
typedef struct unbolt_binding {
  uint32_t size; /* set by the host */
  uint32_t reserved;
  unbolt_function function;
  void* context; /* passed to it */
} unbolt_binding;

typedef struct unbolt_option {
  const char* name;
  const char* value;
} unbolt_option;

/* Why something failed: text that ends with a zero byte. */
typedef struct unbolt_error {
  uint32_t size; /* set by the host */
  char message[1020];
} unbolt_error;

typedef struct unbolt_plugin {
  uint32_t size;    /* sizeof(unbolt_plugin) */
  uint32_t version; /* UNBOLT_PLUGIN_VERSION */
  const char* name; /* and its own version, for messages: "pricing 1.0" */
  /* Opens a provider with the options of its URL; answers 0, or another number and why in `error`.
   * Runs in a process of its own first, so that a crash in it costs nothing but the link. */
  int (*open)(const unbolt_host* host, const unbolt_option* options, size_t count, void** provider,
              unbolt_error* error);
  /* Called once, when nothing is under way in the provider any more. When it returns, none of the
   * plug-in's threads runs: the library is unloaded. */
  void (*close)(void* provider);
  /* The function that meets one that a component imports; answers 0, or another number and why in
   * `error`. `interface` is spelled as the component has it ("acme:shop/pricing@1.2.0").
   * `signature` is the function's type without names:
   *   "func(string, list<u8>) -> result<{u32, f64}, enum{3}>"
   * Records and tuples are {a, b}; enums and flags have their number of cases: enum{3}, flags{9};
   * variants their payloads: variant{_, string}; result<_, _>; fixed lists are list<u8, 4>. */
  int (*bind)(void* provider, const char* interface, const char* function, const char* signature,
              unbolt_binding* binding, unbolt_error* error);
} unbolt_plugin;

#if defined(__GNUC__)
#define UNBOLT_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define UNBOLT_PLUGIN_EXPORT
#endif

/* What a plug-in exports; it stays as it is while the library is loaded. */
UNBOLT_PLUGIN_EXPORT const unbolt_plugin* unbolt_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif
