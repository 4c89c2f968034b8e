// A handler that reaches for what a grant may or may not give it, and says what it got. 404 lists the paths.
#include <string.h>

#include "exchange.h"

static struct text text;

static void add_pairs(guest_list_tuple2_string_string_t *pairs) {
  for (size_t i = 0; i < pairs->len; ++i) {
    text_add_bytes(&text, pairs->ptr[i].f0.ptr, pairs->ptr[i].f0.len);
    text_add(&text, "=");
    text_add_bytes(&text, pairs->ptr[i].f1.ptr, pairs->ptr[i].f1.len);
    text_add(&text, "\n");
  }
  guest_list_tuple2_string_string_free(pairs);
}

static void add_fact(const char *name, uint64_t number) {
  text_add(&text, name);
  text_add_number(&text, number);
  text_add(&text, "\n");
}

static void do_env(struct exchange *exchange) {
  guest_list_tuple2_string_string_t variables;
  guest_list_string_t arguments;
  guest_string_t folder;
  text.length = 0;
  wasi_cli_environment_get_environment(&variables);
  add_pairs(&variables);
  wasi_cli_environment_get_arguments(&arguments);
  for (size_t i = 0; i < arguments.len; ++i) {
    text_add(&text, "argument: ");
    text_add_bytes(&text, arguments.ptr[i].ptr, arguments.ptr[i].len);
    text_add(&text, "\n");
  }
  guest_list_string_free(&arguments);
  if (wasi_cli_environment_initial_cwd(&folder)) {
    text_add(&text, "folder: ");
    text_add_bytes(&text, folder.ptr, folder.len);
    text_add(&text, "\n");
    guest_string_free(&folder);
  }
  answer_text(exchange, 200, &text);
}

static void do_exit(struct exchange *exchange) {
  wasi_cli_exit_result_void_void_t status = {.is_err = true};
  wasi_cli_exit_exit(&status);
  answer(exchange, 200, "not reached\n");
}

static void do_stderr(struct exchange *exchange) {
  static const char kLine[] = "a line for the operator\n";
  wasi_io_streams_own_output_stream_t stream = wasi_cli_stderr_get_stderr();
  guest_list_u8_t bytes = lend_bytes(kLine, sizeof kLine - 1);
  wasi_io_streams_stream_error_t error;
  bool written = wasi_io_streams_method_output_stream_blocking_write_and_flush(
      wasi_io_streams_borrow_output_stream(stream), &bytes, &error);
  if (!written) wasi_io_streams_stream_error_free(&error);
  wasi_io_streams_output_stream_drop_own(stream);
  answer(exchange, 200, written ? "written\n" : "refused\n");
}

static void do_log(struct exchange *exchange) {
  char words[128] = "a message";
  query_text(exchange, "message", words, sizeof words);
  guest_string_t context = lend("reach"), message = lend(words);
  wasi_logging_logging_log((uint8_t)query_number(exchange, "level", 2), &context, &message);
  answer(exchange, 200, "logged\n");
}

// ?key=K reads one value, none all; ?bad=1 asks for a key that is no string.
static void do_config(struct exchange *exchange) {
  char key[64];
  wasi_config_store_error_t error;
  text.length = 0;
  if (query_is(exchange, "bad", "1")) memcpy(key, "k\xFF", 3);
  else if (!query_text(exchange, "key", key, sizeof key)) {
    guest_list_tuple2_string_string_t pairs;
    if (!wasi_config_store_get_all(&pairs, &error)) {
      add_fact("error=", error.tag);
      answer_text(exchange, 500, &text);
      return;
    }
    add_pairs(&pairs);
    answer_text(exchange, 200, &text);
    return;
  }
  guest_string_t name = lend(key);
  guest_option_string_t value;
  if (!wasi_config_store_get(&name, &value, &error)) {
    add_fact("error=", error.tag);
    answer_text(exchange, 500, &text);
  } else if (!value.is_some) {
    answer(exchange, 404, "not set\n");
  } else {
    text_add_bytes(&text, value.val.ptr, value.val.len);
    text_add(&text, "\n");
    guest_string_free(&value.val);
    answer_text(exchange, 200, &text);
  }
}

// ?key=K reveals a secret; ?hold=N gets it so often, and keeps them all.
static void do_secret(struct exchange *exchange) {
  char key[64];
  if (!query_text(exchange, "key", key, sizeof key)) key[0] = 0;
  guest_string_t name = lend(key);
  wasmcloud_secrets_store_own_secret_t secret;
  wasmcloud_secrets_store_secrets_error_t error;
  text.length = 0;
  for (uint64_t left = query_number(exchange, "hold", 1); left > 0; --left) {
    if (wasmcloud_secrets_store_get(&name, &secret, &error)) continue;
    const bool missing = error.tag == WASMCLOUD_SECRETS_STORE_SECRETS_ERROR_NOT_FOUND;
    if (error.tag == WASMCLOUD_SECRETS_STORE_SECRETS_ERROR_IO) {
      text_add(&text, "io: ");
      text_add_bytes(&text, error.val.io.ptr, error.val.io.len);
      text_add(&text, "\n");
    }
    answer_text(exchange, missing ? 404 : 500, &text);
    return;
  }
  wasmcloud_secrets_reveal_secret_value_t value;
  wasmcloud_secrets_reveal_reveal(wasmcloud_secrets_store_borrow_secret(secret), &value);
  if (value.tag == WASMCLOUD_SECRETS_STORE_SECRET_VALUE_STRING) {
    text_add(&text, "string: ");
    text_add_bytes(&text, value.val.string.ptr, value.val.string.len);
  } else {
    text_add(&text, "bytes: ");
    text_add_hex(&text, value.val.bytes.ptr, value.val.bytes.len);
  }
  text_add(&text, "\n");
  answer_text(exchange, 200, &text);
}

// Lists the folders it was given. ?path=P opens P below the first of them for reading (../ and the like included).
static void do_fs(struct exchange *exchange) {
  wasi_filesystem_preopens_list_tuple2_own_descriptor_string_t folders;
  wasi_filesystem_preopens_get_directories(&folders);
  text.length = 0;
  add_fact("folders=", folders.len);
  for (size_t i = 0; i < folders.len; ++i) {
    text_add(&text, "folder: ");
    text_add_bytes(&text, folders.ptr[i].f1.ptr, folders.ptr[i].f1.len);
    text_add(&text, "\n");
  }
  char path[128];
  if (folders.len > 0 && query_text(exchange, "path", path, sizeof path)) {
    guest_string_t lent = lend(path);
    wasi_filesystem_types_own_descriptor_t file;
    wasi_filesystem_types_error_code_t error;
    wasi_filesystem_types_borrow_descriptor_t first =
        wasi_filesystem_types_borrow_descriptor(folders.ptr[0].f0);
    if (!wasi_filesystem_types_method_descriptor_open_at(
            first, WASI_FILESYSTEM_TYPES_PATH_FLAGS_SYMLINK_FOLLOW, &lent, 0,
            WASI_FILESYSTEM_TYPES_DESCRIPTOR_FLAGS_READ, &file, &error)) {
      add_fact("open-error=", error);
    } else {
      guest_tuple2_list_u8_bool_t read;
      wasi_filesystem_types_borrow_descriptor_t borrowed =
          wasi_filesystem_types_borrow_descriptor(file);
      if (wasi_filesystem_types_method_descriptor_read(borrowed, 4096, 0, &read, &error)) {
        text_add(&text, "read: ");
        text_add_bytes(&text, read.f0.ptr, read.f0.len);
        guest_list_u8_free(&read.f0);
      } else {
        add_fact("read-error=", error);
      }
      wasi_filesystem_types_descriptor_drop_own(file);
    }
  }
  wasi_filesystem_preopens_list_tuple2_own_descriptor_string_free(&folders);
  answer_text(exchange, 200, &text);
}

// Makes a TCP socket and begins to connect to 127.0.0.1, ?port=N.
static void do_sockets(struct exchange *exchange) {
  wasi_sockets_instance_network_own_network_t network =
      wasi_sockets_instance_network_instance_network();
  wasi_sockets_tcp_own_tcp_socket_t socket;
  wasi_sockets_tcp_create_socket_error_code_t error;
  text.length = 0;
  text_add(&text, "network=given\n");
  if (!wasi_sockets_tcp_create_socket_create_tcp_socket(WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4,
                                                        &socket, &error)) {
    add_fact("socket-error=", error);
  } else {
    wasi_sockets_tcp_ip_socket_address_t address = {
        .tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4};
    address.val.ipv4.port = (uint16_t)query_number(exchange, "port", 80);
    address.val.ipv4.address.f0 = 127;
    address.val.ipv4.address.f3 = 1;
    text_add(&text, "socket=given\n");
    if (wasi_sockets_tcp_method_tcp_socket_start_connect(
            wasi_sockets_tcp_borrow_tcp_socket(socket),
            wasi_sockets_network_borrow_network(network), &address, &error))
      text_add(&text, "connect=started\n");
    else
      add_fact("connect-error=", error);
    wasi_sockets_tcp_tcp_socket_drop_own(socket);
  }
  wasi_sockets_network_network_drop_own(network);
  answer_text(exchange, 200, &text);
}

// Looks up ?name=N.
static void do_names(struct exchange *exchange) {
  char host[128] = "localhost";
  query_text(exchange, "name", host, sizeof host);
  guest_string_t name = lend(host);
  wasi_sockets_instance_network_own_network_t network =
      wasi_sockets_instance_network_instance_network();
  wasi_sockets_ip_name_lookup_own_resolve_address_stream_t addresses;
  wasi_sockets_ip_name_lookup_error_code_t error;
  text.length = 0;
  if (wasi_sockets_ip_name_lookup_resolve_addresses(wasi_sockets_network_borrow_network(network),
                                                    &name, &addresses, &error)) {
    text_add(&text, "lookup=started\n");
    wasi_sockets_ip_name_lookup_resolve_address_stream_drop_own(addresses);
  } else {
    add_fact("lookup-error=", error);
  }
  wasi_sockets_network_network_drop_own(network);
  answer_text(exchange, 200, &text);
}

static const struct route kRoutes[] = {
    {"/env", do_env},       {"/exit", do_exit}, {"/stderr", do_stderr},   {"/log", do_log},
    {"/config", do_config}, {"/fs", do_fs},     {"/sockets", do_sockets}, {"/names", do_names},
    {"/secret", do_secret},
};

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t response_out) {
  struct exchange exchange = {.request = request, .out = response_out};
  exchange_read(&exchange);
  dispatch(&exchange, kRoutes, sizeof kRoutes / sizeof *kRoutes);
}
