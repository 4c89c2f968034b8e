// Every function of `echo` hands its argument to its twin in `host` and gives back what comes.
#include <stdlib.h>
#include <string.h>

#include "types.h"

// Values that are passed as they are.
#define ECHO_SCALAR(name, type) \
  type exports_test_types_echo_##name(type x) { return test_types_host_##name(x); }

// Values that are passed by address. The argument is this guest's, with all that hangs from it; the host took a copy.
#define ECHO_ADDRESS(name, type, free)                       \
  void exports_test_types_echo_##name(type *x, type *ret) {  \
    test_types_host_##name((void *)x, (void *)ret);          \
    free(x);                                                 \
  }

// The generated code has no free function for a type that owns nothing.
#define owns_nothing(x) (void)(x)

ECHO_SCALAR(echo_bool, bool)
ECHO_SCALAR(echo_u8, uint8_t)
ECHO_SCALAR(echo_s8, int8_t)
ECHO_SCALAR(echo_u16, uint16_t)
ECHO_SCALAR(echo_s16, int16_t)
ECHO_SCALAR(echo_u32, uint32_t)
ECHO_SCALAR(echo_s32, int32_t)
ECHO_SCALAR(echo_u64, uint64_t)
ECHO_SCALAR(echo_s64, int64_t)
ECHO_SCALAR(echo_f32, float)
ECHO_SCALAR(echo_f64, double)
ECHO_SCALAR(echo_char, uint32_t)
ECHO_SCALAR(echo_color, exports_test_types_echo_color_t)
ECHO_SCALAR(echo_few, exports_test_types_echo_few_t)
ECHO_SCALAR(echo_f8, exports_test_types_echo_f8_t)
ECHO_SCALAR(echo_f16, exports_test_types_echo_f16_t)
ECHO_SCALAR(echo_f32x, exports_test_types_echo_f32x_t)

ECHO_ADDRESS(echo_string, types_string_t, types_string_free)
ECHO_ADDRESS(echo_list_u8, types_list_u8_t, types_list_u8_free)
ECHO_ADDRESS(echo_list_u32, types_list_u32_t, types_list_u32_free)
ECHO_ADDRESS(echo_list_f64, types_list_f64_t, types_list_f64_free)
ECHO_ADDRESS(echo_list_bool, types_list_bool_t, types_list_bool_free)
ECHO_ADDRESS(echo_list_char, types_list_char32_t, types_list_char32_free)
ECHO_ADDRESS(echo_list_string, types_list_string_t, types_list_string_free)
ECHO_ADDRESS(echo_list_list_u8, types_list_list_u8_t, types_list_list_u8_free)
ECHO_ADDRESS(echo_list_point, exports_test_types_echo_list_point_t,
             exports_test_types_echo_list_point_free)
ECHO_ADDRESS(echo_list_mixed, exports_test_types_echo_list_mixed_t,
             exports_test_types_echo_list_mixed_free)
ECHO_ADDRESS(echo_list_pair, types_list_tuple2_string_list_u8_t,
             types_list_tuple2_string_list_u8_free)
ECHO_ADDRESS(echo_list_option, types_list_option_u64_t, types_list_option_u64_free)
ECHO_ADDRESS(echo_list_value, exports_test_types_echo_list_value_t,
             exports_test_types_echo_list_value_free)
ECHO_ADDRESS(echo_list_color, exports_test_types_echo_list_color_t,
             exports_test_types_echo_list_color_free)
ECHO_ADDRESS(echo_tuple, types_tuple3_u8_string_f64_t, types_tuple3_u8_string_f64_free)
ECHO_ADDRESS(echo_tuple_one, types_tuple1_u16_t, owns_nothing)
ECHO_ADDRESS(echo_point, exports_test_types_echo_point_t, owns_nothing)
ECHO_ADDRESS(echo_mixed, exports_test_types_echo_mixed_t, exports_test_types_echo_mixed_free)
ECHO_ADDRESS(echo_nested, exports_test_types_echo_nested_t, exports_test_types_echo_nested_free)
ECHO_ADDRESS(echo_wide, exports_test_types_echo_wide_t, owns_nothing)
ECHO_ADDRESS(echo_value, exports_test_types_echo_value_t, exports_test_types_echo_value_free)

bool exports_test_types_echo_echo_option_u8(uint8_t *maybe_x, uint8_t *ret) {
  return test_types_host_echo_option_u8(maybe_x, ret);
}

bool exports_test_types_echo_echo_option_u64(uint64_t *maybe_x, uint64_t *ret) {
  return test_types_host_echo_option_u64(maybe_x, ret);
}

bool exports_test_types_echo_echo_option_string(types_string_t *maybe_x, types_string_t *ret) {
  bool some = test_types_host_echo_option_string(maybe_x, ret);
  if (maybe_x) types_string_free(maybe_x);
  return some;
}

bool exports_test_types_echo_echo_option_option(types_option_u32_t *maybe_x,
                                                types_option_u32_t *ret) {
  return test_types_host_echo_option_option(maybe_x, ret);
}

bool exports_test_types_echo_echo_option_point(exports_test_types_echo_point_t *maybe_x,
                                               exports_test_types_echo_point_t *ret) {
  return test_types_host_echo_option_point(maybe_x, ret);
}

bool exports_test_types_echo_echo_result(test_types_host_result_u32_string_t *x, uint32_t *ret,
                                         types_string_t *err) {
  bool ok = test_types_host_echo_result(x, ret, err);
  test_types_host_result_u32_string_free(x);
  return ok;
}

bool exports_test_types_echo_echo_result_ok(test_types_host_result_string_void_t *x,
                                            types_string_t *ret) {
  bool ok = test_types_host_echo_result_ok(x, ret);
  test_types_host_result_string_void_free(x);
  return ok;
}

bool exports_test_types_echo_echo_result_err(exports_test_types_echo_result_void_color_t *x,
                                             exports_test_types_echo_color_t *err) {
  return test_types_host_echo_result_err((void *)x, err);
}

bool exports_test_types_echo_echo_result_none(test_types_host_result_void_void_t *x) {
  return test_types_host_echo_result_none(x);
}

bool exports_test_types_echo_echo_result_mixed(test_types_host_result_f32_u64_t *x, float *ret,
                                               uint64_t *err) {
  return test_types_host_echo_result_mixed(x, ret, err);
}

void exports_test_types_echo_nothing(void) { test_types_host_nothing(); }

typedef types_tuple16_u32_u64_u8_s8_u16_s16_f32_f64_u32_u64_u8_s8_u16_s16_f32_f64_t sixteen_t;
typedef types_tuple18_u32_u64_u8_s8_u16_s16_f32_f64_u32_u64_u8_s8_u16_s16_f32_f64_string_bool_t
    eighteen_t;

void exports_test_types_echo_sixteen(uint32_t a, uint64_t b, uint8_t c, int8_t d, uint16_t e,
                                     int16_t f, float g, double h, uint32_t i, uint64_t j,
                                     uint8_t k, int8_t l, uint16_t m, int16_t n, float o, double p,
                                     sixteen_t *ret) {
  test_types_host_sixteen(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ret);
}

void exports_test_types_echo_seventeen(uint32_t a, uint64_t b, uint8_t c, int8_t d, uint16_t e,
                                       int16_t f, float g, double h, uint32_t i, uint64_t j,
                                       uint8_t k, int8_t l, uint16_t m, int16_t n, float o,
                                       double p, types_string_t *q, bool r, eighteen_t *ret) {
  test_types_host_seventeen(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, ret);
  types_string_free(q);
}

// A borrowed handle of the host's is given back before the call ends; one that is owned moves on.

uint32_t exports_test_types_echo_peek_counter(exports_test_types_echo_borrow_counter_t c) {
  uint32_t count = test_types_host_peek_counter(c);
  test_types_host_counter_drop_borrow(c);
  return count;
}

void exports_test_types_echo_keep_borrow(exports_test_types_echo_borrow_counter_t c) {
  test_types_host_peek_counter(c);
}

exports_test_types_echo_own_counter_t exports_test_types_echo_pass_counter(
    exports_test_types_echo_own_counter_t c) {
  return test_types_host_pass_counter(c);
}

void exports_test_types_echo_pass_counters(exports_test_types_echo_list_own_counter_t *c,
                                           exports_test_types_echo_list_own_counter_t *ret) {
  test_types_host_pass_counters((void *)c, (void *)ret);
  if (c->len > 0) free(c->ptr);
}

bool exports_test_types_echo_maybe_counter(exports_test_types_echo_own_counter_t *maybe_c,
                                           exports_test_types_echo_own_counter_t *ret) {
  return test_types_host_maybe_counter(maybe_c, ret);
}

exports_test_types_echo_own_counter_t exports_test_types_echo_make_counters(uint32_t n) {
  test_types_host_own_counter_t kept = test_types_host_constructor_counter(0);
  for (uint32_t i = 1; i < n; ++i) {
    test_types_host_own_counter_t counter = test_types_host_constructor_counter(i);
    test_types_host_method_counter_add(test_types_host_borrow_counter(counter), 1);
    if (i % 2) {
      kept = test_types_host_static_counter_merge(kept, counter);
    } else {
      test_types_host_counter_drop_own(counter);
    }
  }
  return kept;
}

// Jars: what the guest gives out handles of.

struct exports_test_types_echo_jar_t {
  types_string_t label;
  uint32_t count;
};

static uint32_t live;

static exports_test_types_echo_own_jar_t new_jar(types_string_t label, uint32_t count) {
  exports_test_types_echo_jar_t *jar = malloc(sizeof *jar);
  if (jar == NULL) __builtin_trap();
  *jar = (exports_test_types_echo_jar_t){.label = label, .count = count};
  ++live;
  return exports_test_types_echo_jar_new(jar);
}

void exports_test_types_echo_jar_destructor(exports_test_types_echo_jar_t *jar) {
  types_string_free(&jar->label);
  free(jar);
  --live;
}

exports_test_types_echo_own_jar_t exports_test_types_echo_constructor_jar(types_string_t *label) {
  return new_jar(*label, 0);
}

void exports_test_types_echo_method_jar_label(exports_test_types_echo_borrow_jar_t self,
                                              types_string_t *ret) {
  types_string_dup_n(ret, (const char *)self->label.ptr, self->label.len);
}

uint32_t exports_test_types_echo_method_jar_put(exports_test_types_echo_borrow_jar_t self,
                                                types_string_t *what) {
  types_string_free(what);
  return ++self->count;
}

// A new jar with both labels; the two that it is made of are destroyed.
exports_test_types_echo_own_jar_t exports_test_types_echo_static_jar_join(
    exports_test_types_echo_own_jar_t a, exports_test_types_echo_own_jar_t b) {
  exports_test_types_echo_jar_t *first = exports_test_types_echo_jar_rep(a);
  exports_test_types_echo_jar_t *second = exports_test_types_echo_jar_rep(b);
  size_t length = first->label.len + second->label.len;
  types_string_t label = {.ptr = malloc(length + 1), .len = length};
  if (label.ptr == NULL) __builtin_trap();
  memcpy(label.ptr, first->label.ptr, first->label.len);
  memcpy(label.ptr + first->label.len, second->label.ptr, second->label.len);
  uint32_t count = first->count + second->count;
  exports_test_types_echo_jar_drop_own(a);
  exports_test_types_echo_jar_drop_own(b);
  return new_jar(label, count);
}

void exports_test_types_echo_peek_jar(exports_test_types_echo_borrow_jar_t j,
                                      types_string_t *ret) {
  exports_test_types_echo_method_jar_label(j, ret);
}

exports_test_types_echo_own_jar_t exports_test_types_echo_pass_jar(
    exports_test_types_echo_own_jar_t j) {
  return j;
}

void exports_test_types_echo_pass_jars(exports_test_types_echo_list_own_jar_t *j,
                                       exports_test_types_echo_list_own_jar_t *ret) {
  *ret = *j;
}

uint32_t exports_test_types_echo_live_jars(void) { return live; }
