// Calls the host in loops, so that what is measured is the crossing and not the way into the guest.
#include <stdlib.h>

#include "abi_bench.h"

static uint8_t block[64 * 1024];

uint32_t exports_bench_abi_loops_scalars(uint32_t times) {
  uint32_t x = 0;
  while (times--) x = bench_abi_host_scalar(x);
  return x;
}

uint32_t exports_bench_abi_loops_lists(uint32_t times) {
  uint32_t sum = 0;
  while (times--) {
    abi_bench_list_u8_t in = {.ptr = block, .len = sizeof block}, out;
    bench_abi_host_bytes(&in, &out);
    sum += (uint32_t)out.len;
    free(out.ptr);
  }
  return sum;
}

uint32_t exports_bench_abi_loops_texts(uint32_t times) {
  uint32_t sum = 0;
  while (times--) {
    abi_bench_string_t text;
    bench_abi_host_text(&text);
    sum += (uint32_t)text.len;
    free(text.ptr);
  }
  return sum;
}

uint32_t exports_bench_abi_loops_records(uint32_t times) {
  bench_abi_host_eight_t from = {1, 2, 3, 4, -5, 6, 7, true}, to;
  while (times--) {
    bench_abi_host_turn(&from, &to);
    from = to;
  }
  return from.c;
}

uint32_t exports_bench_abi_loops_things(uint32_t times) {
  uint32_t sum = 0;
  while (times--) {
    bench_abi_host_thing_drop_own(bench_abi_host_constructor_thing(times));
    ++sum;
  }
  return sum;
}
