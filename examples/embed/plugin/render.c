// A plug-in that fills in a text: all it knows, it asks of the program.
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

static void append(plugin_string_t *out, const uint8_t *bytes, size_t size) {
  out->ptr = realloc(out->ptr, out->len + size + 1);
  if (!out->ptr) abort();
  memcpy(out->ptr + out->len, bytes, size);
  out->len += size;
}

// One {name}: what the program knows by it, or the name as it stands.
static void fill_in(plugin_string_t *out, plugin_string_t name) {
  plugin_string_t value;
  if (example_embed_program_lookup(&name, &value)) {
    append(out, value.ptr, value.len);
    plugin_string_free(&value);
    return;
  }
  static const char kUnknown[] = "nobody knows ";
  plugin_string_t line = {NULL, 0};
  append(&line, (const uint8_t *)kUnknown, sizeof kUnknown - 1);
  append(&line, name.ptr, name.len);
  example_embed_program_log(&line);
  plugin_string_free(&line);
  append(out, name.ptr - 1, name.len + 2);
}

void exports_plugin_render(plugin_string_t *text, plugin_string_t *ret) {
  *ret = (plugin_string_t){NULL, 0};
  const uint8_t *at = text->ptr, *end = text->ptr + text->len;
  while (at < end) {
    const uint8_t *open = memchr(at, '{', (size_t)(end - at));
    const uint8_t *close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;
    if (!close) break;
    append(ret, at, (size_t)(open - at));
    fill_in(ret, (plugin_string_t){(uint8_t *)open + 1, (size_t)(close - open - 1)});
    at = close + 1;
  }
  append(ret, at, (size_t)(end - at));
  plugin_string_free(text);
}
