// A guest book as a CGI program: GET shows it, POST signs it. Nothing here knows of WebAssembly or of a web server: it is
// a C program that reads its environment and its standard input and prints a header section and a page.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char kBook[] = "/book/entries.txt";
enum { kLongestEntry = 500 };

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static void begin(int status, const char *type) {
  printf("Status: %d\r\nContent-Type: %s\r\n\r\n", status, type);
}

static int complain(int status, const char *why) {
  begin(status, "text/plain; charset=utf-8");
  printf("%s\n", why);
  return 0;
}

// What people write is text, never markup.
static void print_escaped(const char *text) {
  for (; *text; ++text) {
    switch (*text) {
      case '<': fputs("&lt;", stdout); break;
      case '>': fputs("&gt;", stdout); break;
      case '&': fputs("&amp;", stdout); break;
      case '"': fputs("&quot;", stdout); break;
      default: putchar(*text);
    }
  }
}

// Decodes a form's value in place: `+` is a space, `%41` a byte; line ends become spaces.
static void decode(char *text) {
  char *to = text;
  for (char *from = text; *from; ++from) {
    char c = *from;
    if (c == '+') {
      c = ' ';
    } else if (c == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2])) {
      char digits[] = {from[1], from[2], 0};
      c = (char)strtol(digits, NULL, 16);
      from += 2;
    }
    *to++ = (unsigned char)c < ' ' ? ' ' : c;
  }
  *to = 0;
}

static int show(void) {
  begin(200, "text/html; charset=utf-8");
  puts("<!doctype html><title>Guest book</title><h1>Guest book</h1><ul>");
  FILE *book = fopen(kBook, "r");
  char entry[kLongestEntry + 2];
  while (book && fgets(entry, sizeof entry, book)) {
    entry[strcspn(entry, "\n")] = 0;
    fputs("<li>", stdout);
    print_escaped(entry);
    puts("</li>");
  }
  if (book) fclose(book);
  puts("</ul><form method=post><input name=entry maxlength=160 required><button>Sign</button></form>");
  return 0;
}

static int sign(void) {
  // The body of the request is standard input; it ends where the request does.
  char form[3 * kLongestEntry + sizeof "entry="];
  size_t size = fread(form, 1, sizeof form, stdin);
  if (size == sizeof form) return complain(413, "That is too long for this book.");
  form[size] = 0;
  char *entry = strncmp(form, "entry=", 6) == 0 ? form + 6 : NULL;
  if (!entry) return complain(400, "A form with a field named entry, please.");
  entry[strcspn(entry, "&")] = 0;
  decode(entry);
  if (strlen(entry) > kLongestEntry) return complain(413, "That is too long for this book.");

  FILE *book = fopen(kBook, "a");
  if (!book) {
    // Standard error goes to the host's log, by line.
    fprintf(stderr, "cannot open %s: %s\n", kBook, strerror(errno));
    return complain(503, "The book is not here: run this with --dir FOLDER::/book.");
  }
  int written = fprintf(book, "%s (from %s)\n", entry, variable("REMOTE_ADDR"));
  if (fclose(book) != 0 || written < 0) return complain(503, "The book is full.");
  // A page that is reloaded must not sign again: the answer to a POST is a redirect.
  printf("Status: 303\r\nLocation: %s\r\n\r\n", variable("PATH_INFO"));
  return 0;
}

int main(void) {
  const char *method = variable("REQUEST_METHOD");
  if (!strcmp(method, "GET") || !strcmp(method, "HEAD")) return show();
  if (!strcmp(method, "POST")) return sign();
  return complain(405, "GET or POST, please.");
}
