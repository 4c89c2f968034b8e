#include "behaviours.h"

#include <stdlib.h>
#include <string.h>

// Volatile and out of line, so that the names and the calls of a backtrace are those of the source.
static volatile uint64_t sink;

__attribute__((noinline)) static void last_step(void) {
  sink = 3;
  __builtin_trap();
}

__attribute__((noinline)) static void inner_step(void) {
  sink = 2;
  last_step();
  sink = 4;
}

__attribute__((noinline)) static void outer_step(void) {
  sink = 1;
  inner_step();
  sink = 5;
}

void do_trap(struct exchange *exchange) {
  outer_step();
  answer(exchange, 200, "not reached\n");
}

void do_loop(struct exchange *exchange) {
  for (;;) sink += 1;
  answer(exchange, 200, "not reached\n");
}

void do_busy_calls(struct exchange *exchange) {
  for (;;) sink += wasi_clocks_monotonic_clock_now();
  answer(exchange, 200, "not reached\n");
}

void do_eat(struct exchange *exchange) {
  enum { kPage = 65536, kTouch = 4096 };
  uint64_t most = query_number(exchange, "pages", UINT64_MAX);
  uint64_t pages = 0;
  for (; pages < most; ++pages) {
    size_t before = __builtin_wasm_memory_grow(0, 1);
    if (before == SIZE_MAX) break;
    for (size_t at = 0; at < kPage; at += kTouch)
      *(volatile uint8_t *)(before * kPage + at) = (uint8_t)(1 + at);
  }
  static struct text text;
  text.length = 0;
  text_add(&text, "grew by ");
  text_add_number(&text, pages);
  text_add(&text, " pages\n");
  answer_text(exchange, 200, &text);
}

// Through a pointer that may change, so that no compiler makes a loop of it; and without a variable in memory, so that
// it is the engine's stack that ends and not the guest's own.
static uint64_t descend(uint64_t depth);
static uint64_t (*volatile again)(uint64_t) = descend;
static uint64_t descend(uint64_t depth) { return again(depth + 1) + depth; }

void do_recurse(struct exchange *exchange) {
  sink = descend(0);
  answer(exchange, 200, "not reached\n");
}

// The host asks this function for memory when it passes a string or a list. What it gets depends on the mode.
static enum { kSane, kTrap, kOutside, kMisaligned, kLoop, kCall } mode = kSane;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size,
                                                                size_t alignment, size_t size) {
  (void)old_size;
  switch (mode) {
    case kTrap:
      __builtin_trap();
    case kOutside:
      return (void *)0xFFFFFFF0;
    case kMisaligned:
      return (char *)realloc(old, size + 64) + 1;
    case kLoop:
      for (;;) sink += 1;
    case kCall:  // forbidden here by the canonical ABI
      sink = wasi_clocks_monotonic_clock_now();
      break;
    default:
      break;
  }
  if (size == 0) return (void *)alignment;
  void *memory = realloc(old, size);
  if (memory == NULL) __builtin_trap();
  return memory;
}

void do_bad_realloc(struct exchange *exchange) {
  wasi_http_types_own_fields_t fields = no_headers();
  guest_string_t name = lend("a-name");
  wasi_http_types_field_value_t value = {.ptr = name.ptr, .len = name.len};
  wasi_http_types_header_error_t error;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &name, &value,
                                       &error);
  if (query_is(exchange, "mode", "trap")) mode = kTrap;
  if (query_is(exchange, "mode", "outside")) mode = kOutside;
  if (query_is(exchange, "mode", "misaligned")) mode = kMisaligned;
  if (query_is(exchange, "mode", "loop")) mode = kLoop;
  if (query_is(exchange, "mode", "call")) mode = kCall;
  // A list of records, which wants an aligned address, and bytes in it, which do not.
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(fields), &entries);
  mode = kSane;
  answer(exchange, 200, "the host took the memory\n");
}
