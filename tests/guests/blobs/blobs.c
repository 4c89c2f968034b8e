// A handler over wasi:blobstore: the path says what to do, with the container ?c= and the object
// ?o=. What the store refuses is answered with 409 and the store's own words; 404 lists the paths. ?link= says which store.
#include <string.h>

#include "exchange.h"

typedef wasi_blobstore_types_error_t store_error_t;
typedef wasi_blobstore_container_own_container_t container_t;
typedef wasi_io_streams_borrow_input_stream_t input_t;
typedef wasi_io_streams_borrow_output_stream_t output_t;

static struct text text;

static void refuse(struct exchange* exchange, store_error_t* why) {
  text.length = 0;
  text_add_bytes(&text, why->ptr, why->len);
  text_add(&text, "\n");
  answer_text(exchange, 409, &text);
}

static guest_string_t query(struct exchange* exchange, const char* key, char* value, size_t size) {
  if (!query_text(exchange, key, value, size)) value[0] = 0;
  return lend(value);
}

// With ?link=L the link of this name is chosen first; false: there is none.
static bool choose(struct exchange* exchange) {
  char name[64];
  if (!query_text(exchange, "link", name, sizeof name)) return true;
  guest_string_t space = lend("wasi"), package = lend("blobstore"), interface = lend("blobstore");
  wasmcloud_bus_lattice_own_call_target_interface_t target =
      wasmcloud_bus_lattice_constructor_call_target_interface(&space, &package, &interface);
  wasmcloud_bus_lattice_list_own_call_target_interface_t targets = {&target, 1};
  guest_string_t link = lend(name);
  store_error_t problem;
  if (wasmcloud_bus_lattice_set_link_name(&link, &targets, &problem)) return true;
  refuse(exchange, &problem);
  return false;
}

// The container of the request; answers where there is none.
static bool open_container(struct exchange* exchange, container_t* container) {
  char name[128];
  guest_string_t lent = query(exchange, "c", name, sizeof name);
  store_error_t error;
  if (wasi_blobstore_blobstore_get_container(&lent, container, &error)) return true;
  refuse(exchange, &error);
  return false;
}

static void answer_done(struct exchange* exchange, bool done, store_error_t* error) {
  if (done)
    answer(exchange, 200, "done\n");
  else
    refuse(exchange, error);
}

static void answer_bool(struct exchange* exchange, bool done, bool value, store_error_t* error) {
  if (done)
    answer(exchange, 200, value ? "yes\n" : "no\n");
  else
    refuse(exchange, error);
}

// Everything from one stream to the other, at most `limit` bytes; with ?by=read through this
// memory. False where either failed.
static bool carry(struct exchange* exchange, input_t from, output_t to, uint64_t limit) {
  const bool by_read = query_is(exchange, "by", "read");
  while (limit > 0) {
    wasi_io_streams_stream_error_t error;
    if (!by_read) {
      uint64_t count;
      if (!wasi_io_streams_method_output_stream_blocking_splice(
              to, from, limit < 1 << 20 ? limit : 1 << 20, &count, &error)) {
        const bool closed = error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
        wasi_io_streams_stream_error_free(&error);
        return closed;
      }
      limit -= count;
      continue;
    }
    guest_list_u8_t piece;
    if (!wasi_io_streams_method_input_stream_blocking_read(from, limit < 65536 ? limit : 65536,
                                                           &piece, &error)) {
      const bool closed = error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
      wasi_io_streams_stream_error_free(&error);
      return closed;
    }
    limit -= piece.len;
    for (size_t at = 0; at < piece.len;) {
      const size_t left = piece.len - at;
      guest_list_u8_t part = lend_bytes(piece.ptr + at, left < 4096 ? left : 4096);
      if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(to, &part, &error)) {
        wasi_io_streams_stream_error_free(&error);
        guest_list_u8_free(&piece);
        return false;
      }
      at += part.len;
    }
    guest_list_u8_free(&piece);
  }
  return true;
}

static bool give(container_t container, guest_string_t* name,
                 wasi_blobstore_types_own_outgoing_value_t value, store_error_t* error) {
  return wasi_blobstore_container_method_container_write_data(
      wasi_blobstore_container_borrow_container(container), name,
      wasi_blobstore_types_borrow_outgoing_value(value), error);
}

// The body of the request becomes the object. ?early=1 writes before the value is given to the
// container; ?end=drop drops the value instead of finishing it, ?end=trap traps; ?limit=N takes no
// more of the body than that.
static void do_put(struct exchange* exchange) {
  char object[512];
  container_t container;
  store_error_t error;
  if (!open_container(exchange, &container)) return;
  guest_string_t name = query(exchange, "o", object, sizeof object);
  const bool early = query_is(exchange, "early", "1");

  wasi_blobstore_types_own_outgoing_value_t value =
      wasi_blobstore_types_static_outgoing_value_new_outgoing_value();
  wasi_blobstore_types_own_output_stream_t to;
  wasi_blobstore_types_method_outgoing_value_outgoing_value_write_body(
      wasi_blobstore_types_borrow_outgoing_value(value), &to);
  if (!early && !give(container, &name, value, &error)) {
    refuse(exchange, &error);
    return;
  }
  wasi_http_types_own_incoming_body_t body;
  wasi_http_types_own_input_stream_t from;
  wasi_http_types_method_incoming_request_consume(
      wasi_http_types_borrow_incoming_request(exchange->request), &body);
  wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &from);
  const bool carried =
      carry(exchange, wasi_io_streams_borrow_input_stream(from),
            wasi_io_streams_borrow_output_stream(to), query_number(exchange, "limit", UINT64_MAX));
  if (query_is(exchange, "end", "trap")) __builtin_trap();
  wasi_io_streams_output_stream_drop_own(to);
  wasi_io_streams_input_stream_drop_own(from);
  wasi_http_types_incoming_body_drop_own(body);
  if (early && !give(container, &name, value, &error)) {
    refuse(exchange, &error);
    return;
  }
  if (!carried || query_is(exchange, "end", "drop")) {
    wasi_blobstore_types_outgoing_value_drop_own(value);
    answer(exchange, carried ? 200 : 500, carried ? "dropped\n" : "cut off\n");
    return;
  }
  answer_done(exchange, wasi_blobstore_types_static_outgoing_value_finish(value, &error), &error);
}

// The object, or its bytes from ?start= to ?end= (both among them). ?by=sync takes them in one
// piece.
static void do_get(struct exchange* exchange) {
  char object[512];
  container_t container;
  store_error_t error;
  wasi_blobstore_container_own_incoming_value_t value;
  if (!open_container(exchange, &container)) return;
  guest_string_t name = query(exchange, "o", object, sizeof object);
  if (!wasi_blobstore_container_method_container_get_data(
          wasi_blobstore_container_borrow_container(container), &name,
          query_number(exchange, "start", 0), query_number(exchange, "end", UINT64_MAX), &value,
          &error)) {
    refuse(exchange, &error);
    return;
  }
  if (query_is(exchange, "by", "size")) {
    text.length = 0;
    text_add_number(&text, wasi_blobstore_types_method_incoming_value_size(
                               wasi_blobstore_types_borrow_incoming_value(value)));
    text_add(&text, "\n");
    answer_text(exchange, 200, &text);
    return;
  }
  if (query_is(exchange, "by", "sync")) {
    wasi_blobstore_types_incoming_value_sync_body_t bytes;
    if (!wasi_blobstore_types_static_incoming_value_incoming_value_consume_sync(value, &bytes,
                                                                                &error)) {
      refuse(exchange, &error);
      return;
    }
    struct reply whole = reply_start(exchange, 200, no_headers());
    reply_write(&whole, bytes.ptr, bytes.len);
    reply_end(&whole, NULL);
    return;
  }
  wasi_blobstore_types_own_incoming_value_async_body_t from;
  if (!wasi_blobstore_types_static_incoming_value_incoming_value_consume_async(value, &from,
                                                                               &error)) {
    refuse(exchange, &error);
    return;
  }
  struct reply reply = reply_start(exchange, 200, no_headers());
  if (carry(exchange, wasi_io_streams_borrow_input_stream(from),
            wasi_io_streams_borrow_output_stream(reply.stream), UINT64_MAX))
    reply_end(&reply, NULL);
}

// Names, a line each, read ?step= at a time (1000) after ?skip= of them.
static void do_list(struct exchange* exchange) {
  container_t container;
  store_error_t error;
  wasi_blobstore_container_own_stream_object_names_t names;
  if (!open_container(exchange, &container)) return;
  if (!wasi_blobstore_container_method_container_list_objects(
          wasi_blobstore_container_borrow_container(container), &names, &error)) {
    refuse(exchange, &error);
    return;
  }
  wasi_blobstore_container_borrow_stream_object_names_t borrowed =
      wasi_blobstore_container_borrow_stream_object_names(names);
  const uint64_t skip = query_number(exchange, "skip", 0);
  guest_tuple2_u64_bool_t skipped;
  if (skip > 0 && !wasi_blobstore_container_method_stream_object_names_skip_stream_object_names(
                      borrowed, skip, &skipped, &error)) {
    refuse(exchange, &error);
    return;
  }
  struct reply reply = reply_start(exchange, 200, no_headers());
  for (bool end = false; !end;) {
    wasi_blobstore_container_tuple2_list_object_name_bool_t page;
    if (!wasi_blobstore_container_method_stream_object_names_read_stream_object_names(
            borrowed, query_number(exchange, "step", 1000), &page, &error))
      return;
    for (size_t i = 0; i < page.f0.len; ++i) {
      reply_write(&reply, page.f0.ptr[i].ptr, page.f0.ptr[i].len);
      reply_write(&reply, "\n", 1);
    }
    end = page.f1;
    wasi_blobstore_container_tuple2_list_object_name_bool_free(&page);
  }
  reply_end(&reply, NULL);
}

static void do_create(struct exchange* exchange) {
  char name[128];
  guest_string_t lent = query(exchange, "c", name, sizeof name);
  container_t container;
  store_error_t error;
  answer_done(exchange, wasi_blobstore_blobstore_create_container(&lent, &container, &error),
              &error);
}

static void do_drop(struct exchange* exchange) {
  char name[128];
  guest_string_t lent = query(exchange, "c", name, sizeof name);
  store_error_t error;
  answer_done(exchange, wasi_blobstore_blobstore_delete_container(&lent, &error), &error);
}

static void do_there(struct exchange* exchange) {
  char name[128];
  guest_string_t lent = query(exchange, "c", name, sizeof name);
  store_error_t error;
  bool there = false;
  const bool done = wasi_blobstore_blobstore_container_exists(&lent, &there, &error);
  answer_bool(exchange, done, there, &error);
}

static void do_has(struct exchange* exchange) {
  char object[512];
  container_t container;
  store_error_t error;
  bool there = false;
  if (!open_container(exchange, &container)) return;
  guest_string_t name = query(exchange, "o", object, sizeof object);
  const bool done = wasi_blobstore_container_method_container_has_object(
      wasi_blobstore_container_borrow_container(container), &name, &there, &error);
  answer_bool(exchange, done, there, &error);
}

// Two lines, of the container and of the object: name, seconds since 1970; and the object's size.
static void do_info(struct exchange* exchange) {
  char object[512];
  container_t container;
  store_error_t error;
  wasi_blobstore_container_container_metadata_t about;
  wasi_blobstore_container_object_metadata_t of;
  if (!open_container(exchange, &container)) return;
  guest_string_t name = query(exchange, "o", object, sizeof object);
  wasi_blobstore_container_borrow_container_t borrowed =
      wasi_blobstore_container_borrow_container(container);
  if (!wasi_blobstore_container_method_container_info(borrowed, &about, &error) ||
      !wasi_blobstore_container_method_container_object_info(borrowed, &name, &of, &error)) {
    refuse(exchange, &error);
    return;
  }
  text.length = 0;
  text_add_bytes(&text, about.name.ptr, about.name.len);
  text_add(&text, " ");
  text_add_number(&text, about.created_at);
  text_add(&text, "\n");
  text_add_bytes(&text, of.container.ptr, of.container.len);
  text_add(&text, "/");
  text_add_bytes(&text, of.name.ptr, of.name.len);
  text_add(&text, " ");
  text_add_number(&text, of.created_at);
  text_add(&text, " ");
  text_add_number(&text, of.size);
  text_add(&text, "\n");
  answer_text(exchange, 200, &text);
}

// ?o=, and with ?p= that one too, in one call.
static void do_delete(struct exchange* exchange) {
  char object[512], second[512];
  container_t container;
  store_error_t error;
  if (!open_container(exchange, &container)) return;
  guest_string_t names[2] = {query(exchange, "o", object, sizeof object),
                             query(exchange, "p", second, sizeof second)};
  wasi_blobstore_container_borrow_container_t borrowed =
      wasi_blobstore_container_borrow_container(container);
  if (second[0] == 0) {
    answer_done(
        exchange,
        wasi_blobstore_container_method_container_delete_object(borrowed, &names[0], &error),
        &error);
    return;
  }
  wasi_blobstore_container_list_object_name_t both = {.ptr = names, .len = 2};
  answer_done(exchange,
              wasi_blobstore_container_method_container_delete_objects(borrowed, &both, &error),
              &error);
}

static void do_clear(struct exchange* exchange) {
  container_t container;
  store_error_t error;
  if (!open_container(exchange, &container)) return;
  answer_done(exchange,
              wasi_blobstore_container_method_container_clear(
                  wasi_blobstore_container_borrow_container(container), &error),
              &error);
}

// From ?c= and ?o= to ?d= and ?p=.
static void transfer(struct exchange* exchange, bool (*how)(wasi_blobstore_blobstore_object_id_t*,
                                                            wasi_blobstore_blobstore_object_id_t*,
                                                            wasi_blobstore_blobstore_error_t*)) {
  char words[4][128];
  store_error_t error;
  wasi_blobstore_blobstore_object_id_t from = {query(exchange, "c", words[0], sizeof words[0]),
                                               query(exchange, "o", words[1], sizeof words[1])};
  wasi_blobstore_blobstore_object_id_t to = {query(exchange, "d", words[2], sizeof words[2]),
                                             query(exchange, "p", words[3], sizeof words[3])};
  answer_done(exchange, how(&from, &to, &error), &error);
}
static void do_copy(struct exchange* exchange) {
  transfer(exchange, wasi_blobstore_blobstore_copy_object);
}
static void do_move(struct exchange* exchange) {
  transfer(exchange, wasi_blobstore_blobstore_move_object);
}

// Opens the object ?n= times and keeps it open; how often that was granted.
static void do_hold(struct exchange* exchange) {
  char object[512];
  container_t container;
  store_error_t error;
  if (!open_container(exchange, &container)) return;
  guest_string_t name = query(exchange, "o", object, sizeof object);
  uint64_t held = 0;
  for (const uint64_t wanted = query_number(exchange, "n", 1); held < wanted; ++held) {
    wasi_blobstore_container_own_incoming_value_t value;
    if (!wasi_blobstore_container_method_container_get_data(
            wasi_blobstore_container_borrow_container(container), &name, 0, UINT64_MAX, &value,
            &error))
      break;
  }
  text.length = 0;
  text_add_number(&text, held);
  text_add(&text, "\n");
  answer_text(exchange, 200, &text);
}

static const struct route kRoutes[] = {
    {"/put", do_put},       {"/get", do_get},     {"/list", do_list}, {"/create", do_create},
    {"/drop", do_drop},     {"/there", do_there}, {"/has", do_has},   {"/info", do_info},
    {"/delete", do_delete}, {"/clear", do_clear}, {"/copy", do_copy}, {"/move", do_move},
    {"/hold", do_hold},
};

void exports_wasi_http_incoming_handler_handle(wasi_http_types_own_incoming_request_t request,
                                               wasi_http_types_own_response_outparam_t out) {
  struct exchange exchange = {.request = request, .out = out};
  exchange_read(&exchange);
  if (!choose(&exchange)) return;
  dispatch(&exchange, kRoutes, sizeof kRoutes / sizeof *kRoutes);
}
