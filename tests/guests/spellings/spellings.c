// A handler, and a watcher, that use the contracts in the spellings that components in the wild have, and say what they
// got. 404 lists the paths.
#include <string.h>

#include "exchange.h"

static struct text text;

static void add_line(const char *name, const void *bytes, size_t length) {
  text_add(&text, name);
  text_add_bytes(&text, bytes, length);
  text_add(&text, "\n");
}

static void refuse(struct exchange *exchange, wasi_keyvalue_store_error_t *error) {
  text.length = 0;
  if (error->tag == WASI_KEYVALUE_STORE_ERROR_OTHER)
    add_line("other: ", error->val.other.ptr, error->val.other.len);
  else if (error->tag == WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE)
    text_add(&text, "no such store\n");
  else
    text_add(&text, "access denied\n");
  wasi_keyvalue_store_error_free(error);
  answer_text(exchange, 500, &text);
}

static uint64_t requests;

// How many requests this instance was given.
static void do_requests(struct exchange *exchange) {
  text.length = 0;
  text_add_number(&text, requests);
  text_add(&text, "\n");
  answer_text(exchange, 200, &text);
}

static bool choose_first(guest_string_t *link, const char *names[], size_t count) {
  wasmcloud_bus_1_0_0_lattice_own_call_target_interface_t targets[4];
  guest_string_t space = lend("wasi"), package = lend("keyvalue");
  for (size_t i = 0; i < count; ++i) {
    guest_string_t name = lend(names[i]);
    targets[i] = wasmcloud_bus_1_0_0_lattice_constructor_call_target_interface(&space, &package, &name);
  }
  wasmcloud_bus_1_0_0_lattice_list_own_call_target_interface_t list = {targets, count};
  wasmcloud_bus_1_0_0_lattice_set_link_name(link, &list);
  return true;
}

static bool choose_second(guest_string_t *link, const char *names[], size_t count, guest_string_t *problem) {
  wasmcloud_bus_2_0_1_lattice_own_call_target_interface_t targets[4];
  guest_string_t space = lend("wasi"), package = lend("keyvalue");
  for (size_t i = 0; i < count; ++i) {
    guest_string_t name = lend(names[i]);
    targets[i] = wasmcloud_bus_2_0_1_lattice_constructor_call_target_interface(&space, &package, &name);
  }
  wasmcloud_bus_2_0_1_lattice_list_own_call_target_interface_t list = {targets, count};
  return wasmcloud_bus_2_0_1_lattice_set_link_name(link, &list, problem);
}

// Chooses the link that the query names, if it names one: ?link=L, by the first version of the bus with ?bus=1, and
// for ?interface=I alone. False: answered.
static bool choose(struct exchange *exchange) {
  char link[64], interface[64];
  const char *names[] = {"store", "atomics", "batch"};
  size_t count = 3;
  if (!query_text(exchange, "link", link, sizeof link)) return true;
  if (query_text(exchange, "interface", interface, sizeof interface)) {
    names[0] = interface;
    count = 1;
  }
  guest_string_t name = lend(link), problem;
  if (query_is(exchange, "bus", "1")) return choose_first(&name, names, count);
  if (choose_second(&name, names, count, &problem)) return true;
  text.length = 0;
  add_line("", problem.ptr, problem.len);
  guest_string_free(&problem);
  answer_text(exchange, 404, &text);
  return false;
}

static bool open_bucket(struct exchange *exchange, wasi_keyvalue_store_own_bucket_t *bucket) {
  char name[64] = "box";
  wasi_keyvalue_store_error_t error;
  query_text(exchange, "bucket", name, sizeof name);
  guest_string_t identifier = lend(name);
  if (!choose(exchange)) return false;
  if (wasi_keyvalue_store_open(&identifier, bucket, &error)) return true;
  refuse(exchange, &error);
  return false;
}

// ?key=K&value=V
static void do_set(struct exchange *exchange) {
  char key[64] = "k", value[64] = "";
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  query_text(exchange, "key", key, sizeof key);
  query_text(exchange, "value", value, sizeof value);
  if (!open_bucket(exchange, &bucket)) return;
  guest_string_t name = lend(key);
  guest_list_u8_t bytes = lend_bytes(value, strlen(value));
  if (wasi_keyvalue_store_method_bucket_set(wasi_keyvalue_store_borrow_bucket(bucket), &name, &bytes, &error))
    answer(exchange, 200, "set\n");
  else
    refuse(exchange, &error);
}

// ?key=K
static void do_delete(struct exchange *exchange) {
  char key[64] = "k";
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  query_text(exchange, "key", key, sizeof key);
  if (!open_bucket(exchange, &bucket)) return;
  guest_string_t name = lend(key);
  if (wasi_keyvalue_store_method_bucket_delete(wasi_keyvalue_store_borrow_bucket(bucket), &name, &error))
    answer(exchange, 200, "deleted\n");
  else
    refuse(exchange, &error);
}

// ?key=K
static void do_get(struct exchange *exchange) {
  char key[64] = "k";
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  guest_option_list_u8_t value;
  query_text(exchange, "key", key, sizeof key);
  if (!open_bucket(exchange, &bucket)) return;
  guest_string_t name = lend(key);
  if (!wasi_keyvalue_store_method_bucket_get(wasi_keyvalue_store_borrow_bucket(bucket), &name, &value, &error)) {
    refuse(exchange, &error);
    return;
  }
  text.length = 0;
  if (value.is_some) add_line("", value.val.ptr, value.val.len);
  answer_text(exchange, value.is_some ? 200 : 404, &text);
}

// Adds ?plus=N or ?minus=N.
static void do_add(struct exchange *exchange) {
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  guest_string_t key = lend("n");
  int64_t sum, delta = (int64_t)query_number(exchange, "plus", 0) - (int64_t)query_number(exchange, "minus", 0);
  if (!open_bucket(exchange, &bucket)) return;
  if (!wasi_keyvalue_atomics_increment(wasi_keyvalue_store_borrow_bucket(bucket), &key, delta, &sum, &error)) {
    refuse(exchange, &error);
    return;
  }
  text.length = 0;
  if (sum < 0) text_add(&text, "-");
  text_add_number(&text, sum < 0 ? -(uint64_t)sum : (uint64_t)sum);
  text_add(&text, "\n");
  answer_text(exchange, 200, &text);
}

// Sets ?count=N keys at once, reads and lists them page by page, and deletes them.
static void do_list(struct exchange *exchange) {
  enum { kMost = 4000 };
  static guest_tuple2_string_list_u8_t pairs[kMost];
  static guest_string_t names[kMost];
  static char texts[kMost][8];
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  size_t count = query_number(exchange, "count", 3), listed = 0, pages = 0, found = 0;
  if (count > kMost) count = kMost;
  if (!open_bucket(exchange, &bucket)) return;
  wasi_keyvalue_store_borrow_bucket_t borrowed = wasi_keyvalue_store_borrow_bucket(bucket);
  for (size_t i = 0; i < count; ++i) {
    memcpy(texts[i], "key", 3);
    for (size_t at = 0, rest = i; at < 4; ++at, rest /= 10) texts[i][6 - at] = (char)('0' + rest % 10);
    names[i] = pairs[i].f0 = (guest_string_t){(uint8_t *)texts[i], 7};
    pairs[i].f1 = lend_bytes(texts[i], 7);
  }
  guest_list_tuple2_string_list_u8_t all = {pairs, count};
  guest_list_string_t keys = {names, count};
  guest_list_option_tuple2_string_list_u8_t values;
  if (!wasi_keyvalue_batch_set_many(borrowed, &all, &error)) return refuse(exchange, &error);
  if (!wasi_keyvalue_batch_get_many(borrowed, &keys, &values, &error)) return refuse(exchange, &error);
  for (size_t i = 0; i < values.len; ++i)
    found += values.ptr[i].is_some && values.ptr[i].val.f1.len == 7;
  wasi_keyvalue_store_key_response_t page;
  guest_string_t cursor;
  bool more = false;
  do {
    if (!wasi_keyvalue_store_method_bucket_list_keys(borrowed, more ? &cursor : NULL, &page, &error))
      return refuse(exchange, &error);
    listed += page.keys.len;
    ++pages;
    more = page.cursor.is_some;
    cursor = page.cursor.val;
  } while (more);
  if (!wasi_keyvalue_batch_delete_many(borrowed, &keys, &error)) return refuse(exchange, &error);
  text.length = 0;
  text_add_number(&text, found);
  text_add(&text, " found, ");
  text_add_number(&text, listed);
  text_add(&text, " listed in ");
  text_add_number(&text, pages);
  text_add(&text, " pages\n");
  answer_text(exchange, 200, &text);
}

static void add_current(wasi_keyvalue_atomics_own_cas_t cas) {
  guest_option_list_u8_t value;
  wasi_keyvalue_store_error_t error;
  if (!wasi_keyvalue_atomics_method_cas_current(wasi_keyvalue_atomics_borrow_cas(cas), &value, &error))
    text_add(&text, "current: error\n");
  else if (value.is_some)
    add_line("current: ", value.val.ptr, value.val.len);
  else
    text_add(&text, "current: none\n");
}

// Swaps a key that another writer changed since: the swap fails and comes back with what is there, and succeeds then.
static void do_cas(struct exchange *exchange) {
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  wasi_keyvalue_atomics_own_cas_t cas;
  wasi_keyvalue_atomics_cas_error_t failure;
  guest_string_t key = lend("k");
  guest_list_u8_t one = lend_bytes("one", 3), two = lend_bytes("two", 3);
  if (!open_bucket(exchange, &bucket)) return;
  wasi_keyvalue_store_borrow_bucket_t borrowed = wasi_keyvalue_store_borrow_bucket(bucket);
  text.length = 0;
  if (!wasi_keyvalue_atomics_static_cas_new(borrowed, &key, &cas, &error)) return refuse(exchange, &error);
  add_current(cas);
  if (!wasi_keyvalue_store_method_bucket_set(borrowed, &key, &one, &error)) return refuse(exchange, &error);
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (wasi_keyvalue_atomics_swap(cas, &two, &failure)) {
      text_add(&text, "swapped\n");
      break;
    }
    if (failure.tag == WASI_KEYVALUE_ATOMICS_CAS_ERROR_STORE_ERROR)
      return refuse(exchange, &failure.val.store_error);
    text_add(&text, "failed\n");
    cas = failure.val.cas_failed;
    add_current(cas);
  }
  if (!wasi_keyvalue_atomics_static_cas_new(borrowed, &key, &cas, &error)) return refuse(exchange, &error);
  add_current(cas);
  answer_text(exchange, 200, &text);
}

// Adds one to a number with compare and swap, however many others do.
static void do_count(struct exchange *exchange) {
  wasi_keyvalue_store_own_bucket_t bucket;
  wasi_keyvalue_store_error_t error;
  wasi_keyvalue_atomics_own_cas_t cas;
  wasi_keyvalue_atomics_cas_error_t failure;
  guest_string_t key = lend("count");
  if (!open_bucket(exchange, &bucket)) return;
  wasi_keyvalue_store_borrow_bucket_t borrowed = wasi_keyvalue_store_borrow_bucket(bucket);
  if (!wasi_keyvalue_atomics_static_cas_new(borrowed, &key, &cas, &error)) return refuse(exchange, &error);
  for (;;) {
    guest_option_list_u8_t value;
    uint64_t number = 0;
    if (!wasi_keyvalue_atomics_method_cas_current(wasi_keyvalue_atomics_borrow_cas(cas), &value, &error))
      return refuse(exchange, &error);
    for (size_t i = 0; value.is_some && i < value.val.len; ++i) number = number * 10 + value.val.ptr[i] - '0';
    if (value.is_some) guest_list_u8_free(&value.val);
    text.length = 0;
    text_add_number(&text, number + 1);
    guest_list_u8_t next = lend_bytes(text.bytes, text.length);
    if (wasi_keyvalue_atomics_swap(cas, &next, &failure)) return answer_text(exchange, 200, &text);
    if (failure.tag == WASI_KEYVALUE_ATOMICS_CAS_ERROR_STORE_ERROR)
      return refuse(exchange, &failure.val.store_error);
    cas = failure.val.cas_failed;
  }
}

// The value of ?key=K, and how many there are, in each of the four spellings.
static void do_config(struct exchange *exchange) {
  char name[64] = "";
  guest_option_string_t value;
  guest_option_list_u8_t bytes;
  guest_list_tuple2_string_string_t all;
  guest_list_tuple2_string_list_u8_t all_bytes;
  wasi_config_0_2_0_rc_1_store_error_t rc;
  wasi_config_0_2_0_draft_store_error_t store;
  wasi_config_0_2_0_draft_runtime_config_error_t runtime;
  wasi_config_0_1_0_runtime_config_error_t first;
  query_text(exchange, "key", name, sizeof name);
  guest_string_t key = lend(name);
  text.length = 0;
  if (wasi_config_0_2_0_rc_1_store_get(&key, &value, &rc) && value.is_some &&
      wasi_config_0_2_0_rc_1_store_get_all(&all, &rc)) {
    add_line("store rc.1: ", value.val.ptr, value.val.len);
    text_add_number(&text, all.len);
  }
  if (wasi_config_0_2_0_draft_store_get(&key, &value, &store) && value.is_some &&
      wasi_config_0_2_0_draft_store_get_all(&all, &store)) {
    add_line(" store draft: ", value.val.ptr, value.val.len);
    text_add_number(&text, all.len);
  }
  if (wasi_config_0_2_0_draft_runtime_get(&key, &value, &runtime) && value.is_some &&
      wasi_config_0_2_0_draft_runtime_get_all(&all, &runtime)) {
    add_line(" runtime draft: ", value.val.ptr, value.val.len);
    text_add_number(&text, all.len);
  }
  if (wasi_config_0_1_0_runtime_get(&key, &bytes, &first) && bytes.is_some &&
      wasi_config_0_1_0_runtime_get_all(&all_bytes, &first)) {
    add_line(" runtime 0.1.0: ", bytes.val.ptr, bytes.val.len);
    text_add_number(&text, all_bytes.len);
  }
  text_add(&text, "\n");
  answer_text(exchange, 200, &text);
}

static void do_log(struct exchange *exchange) {
  guest_string_t context = lend("spellings"), draft = lend("by the draft"), plain = lend("without a version");
  wasi_logging_0_1_0_draft_logging_log(WASI_LOGGING_0_1_0_DRAFT_LOGGING_LEVEL_WARN, &context, &draft);
  wasi_logging_logging_log(WASI_LOGGING_LOGGING_LEVEL_WARN, &context, &plain);
  answer(exchange, 200, "logged\n");
}

// What the watcher is told is kept in the bucket `seen`: `set` has the last key and what its bucket holds then,
// `deleted` the last key that went.
static void keep(const char *name, const void *bytes, size_t length) {
  wasi_keyvalue_store_own_bucket_t seen;
  wasi_keyvalue_store_error_t error;
  guest_string_t bucket = lend("seen"), key = lend(name);
  guest_list_u8_t value = lend_bytes(bytes, length);
  if (!wasi_keyvalue_store_open(&bucket, &seen, &error)) __builtin_trap();
  if (!wasi_keyvalue_store_method_bucket_set(wasi_keyvalue_store_borrow_bucket(seen), &key, &value, &error))
    __builtin_trap();
}

void exports_wasi_keyvalue_watcher_on_set(exports_wasi_keyvalue_watcher_own_bucket_t bucket, guest_string_t *key,
                                          guest_list_u8_t *value) {
  guest_option_list_u8_t now;
  wasi_keyvalue_store_error_t error;
  text.length = 0;
  add_line("", key->ptr, key->len);
  add_line("", value->ptr, value->len);
  if (wasi_keyvalue_store_method_bucket_get(wasi_keyvalue_store_borrow_bucket(bucket), key, &now, &error) &&
      now.is_some)
    add_line("", now.val.ptr, now.val.len);
  keep("set", text.bytes, text.length);
}

void exports_wasi_keyvalue_watcher_on_delete(exports_wasi_keyvalue_watcher_own_bucket_t bucket, guest_string_t *key) {
  (void)bucket;
  keep("deleted", key->ptr, key->len);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  static const struct route kRoutes[] = {
      {"/set", do_set},   {"/get", do_get},     {"/add", do_add},       {"/list", do_list},
      {"/cas", do_cas},   {"/count", do_count}, {"/config", do_config}, {"/log", do_log},
      {"/requests", do_requests}, {"/delete", do_delete},
  };
  struct exchange exchange = {.request = request, .out = out};
  ++requests;
  exchange_read(&exchange);
  dispatch(&exchange, kRoutes, sizeof kRoutes / sizeof kRoutes[0]);
}
