// A session that does what the lines it reads say: `trap`, `loop`, `flood` (writes until that fails), anything else comes back.
#include <string.h>

#include "telnet.h"

typedef unbolt_telnet_sessions_own_session_t session_t;

static bool write_text(session_t session, const char *bytes, size_t size) {
  telnet_string_t text = {(uint8_t *)bytes, size};
  unbolt_telnet_sessions_end_t end;
  return unbolt_telnet_sessions_method_session_write(unbolt_telnet_sessions_borrow_session(session), &text, &end);
}

static bool is(const telnet_string_t *line, const char *word) {
  return line->len == strlen(word) && memcmp(line->ptr, word, line->len) == 0;
}

static void flood(session_t session) {
  static char bytes[8192];
  memset(bytes, 'x', sizeof bytes);
  while (write_text(session, bytes, sizeof bytes)) {
  }
}

void exports_unbolt_telnet_handler_handle(session_t session) {
  unbolt_telnet_sessions_event_t event;
  unbolt_telnet_sessions_end_t end;
  write_text(session, "ready\n", 6);
  while (unbolt_telnet_sessions_method_session_read(unbolt_telnet_sessions_borrow_session(session), NULL, &event, &end)) {
    if (event.tag != UNBOLT_TELNET_SESSIONS_EVENT_LINE) continue;
    telnet_string_t *line = &event.val.line;
    if (is(line, "trap")) __builtin_trap();
    volatile bool on = is(line, "loop");
    while (on) {
    }
    if (is(line, "flood")) flood(session);
    write_text(session, (const char *)line->ptr, line->len);
    write_text(session, "\n", 1);
    telnet_string_free(line);
  }
  unbolt_telnet_sessions_session_drop_own(session);
}
