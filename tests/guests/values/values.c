// Gives back what it got: arguments are the callee's, and what it returns is freed after the call.
#include <stdlib.h>
#include <string.h>

#include "values.h"

#define NAME(name) exports_test_values_echo_##name
#define ECHO(name, type) \
  void NAME(name)(type *x, type *ret) { *ret = *x; }
#define ECHO_OPTION(name, type) \
  bool NAME(name)(type *maybe_x, type *ret) { \
    if (maybe_x) *ret = *maybe_x; \
    return maybe_x != NULL; \
  }

ECHO(strings, values_string_t)
ECHO(bytes, values_list_u8_t)
ECHO(words, values_list_list_string_t)
ECHO(points, exports_test_values_echo_list_point_t)
ECHO(orders, exports_test_values_echo_order_t)
ECHO(shapes, exports_test_values_echo_list_shape_t)
ECHO(colors, exports_test_values_echo_list_color_t)
ECHO(outcomes, exports_test_values_echo_list_result_void_color_t)
ECHO(pairs, values_tuple2_u8_option_tuple2_string_f64_t)
ECHO_OPTION(options, values_string_t)
ECHO_OPTION(nested, values_option_u32_t)

bool NAME(bools)(bool x) { return x; }
uint32_t NAME(chars)(uint32_t x) { return x; }
exports_test_values_echo_rights_t NAME(allowed)(exports_test_values_echo_rights_t x) { return x; }

void NAME(signed)(int8_t a, int16_t b, int32_t c, int64_t d, values_tuple4_s8_s16_s32_s64_t *ret) {
  *ret = (values_tuple4_s8_s16_s32_s64_t){a, b, c, d};
}
void NAME(unsigned)(uint8_t a, uint16_t b, uint32_t c, uint64_t d, values_tuple4_u8_u16_u32_u64_t *ret) {
  *ret = (values_tuple4_u8_u16_u32_u64_t){a, b, c, d};
}
void NAME(floats)(float a, double b, values_tuple2_f32_f64_t *ret) { *ret = (values_tuple2_f32_f64_t){a, b}; }

bool NAME(results)(exports_test_values_echo_result_u32_string_t *x, uint32_t *ret, values_string_t *err) {
  if (x->is_err)
    *err = x->val.err;
  else
    *ret = x->val.ok;
  return !x->is_err;
}
void NAME(wide)(exports_test_values_echo_order_t *a, exports_test_values_echo_order_t *b, uint64_t c,
                exports_test_values_echo_tuple3_order_order_u64_t *ret) {
  *ret = (exports_test_values_echo_tuple3_order_order_u64_t){*a, *b, c};
}
void NAME(nothing)(void) {}
void NAME(trap)(void) { __builtin_trap(); }
void NAME(endless)(void) {
  for (volatile int i = 0;; ++i) {
  }
}

void exports_values_greet(values_string_t *name, values_string_t *ret) {
  static const char kHello[] = "hello, ";
  const size_t prefix = sizeof kHello - 1;
  ret->len = prefix + name->len;
  ret->ptr = malloc(ret->len);
  memcpy(ret->ptr, kHello, prefix);
  memcpy(ret->ptr + prefix, name->ptr, name->len);
  values_string_free(name);
}
