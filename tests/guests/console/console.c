// A program for a terminal, compiled as a WASI preview1 module: each word tries another use of the standard streams.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ask(void) {
  char name[100];
  printf("name? ");
  fflush(stdout);
  if (!fgets(name, sizeof name, stdin)) {
    printf("nobody\n");
    return 4;
  }
  name[strcspn(name, "\n")] = 0;
  printf("hello, %s\n", name);
  return 0;
}

// Says each tick that passes without input, and what comes.
static int ticks(int most) {
  struct pollfd in = {.fd = 0, .events = POLLIN};
  for (int i = 0; i < most;) {
    int ready = poll(&in, 1, 50);
    if (ready < 0) return 5;
    if (ready == 0) {
      printf("tick %d\n", ++i);
    } else {
      char line[100];
      ssize_t n = read(0, line, sizeof line);
      if (n <= 0) {
        printf("end\n");
        fflush(stdout);
        return 0;
      }
      printf("got %.*s", (int)n, line);
    }
    fflush(stdout);
  }
  return 0;
}

// `count` lines of 64 bytes, each with its number.
static int flood(long count) {
  for (long i = 0; i < count; ++i) printf("%062ld\n", i % 1000000);
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  long number = argc > 2 ? atol(argv[2]) : 0;
  if (!strcmp(what, "ask")) return ask();
  if (!strcmp(what, "ticks")) return ticks((int)number);
  if (!strcmp(what, "flood")) return flood(number);
  if (!strcmp(what, "yes")) {
    for (;;) puts("y");
  }
  if (!strcmp(what, "careful")) {
    while (write(1, "y\n", 2) == 2) {
    }
    fprintf(stderr, "nobody reads\n");
    exit(5);
  }
  if (!strcmp(what, "spin")) {
    printf("\033[31mspinning\n");
    fflush(stdout);
    for (volatile long i = 0;; ++i) {
    }
  }
  if (!strcmp(what, "exit")) exit((int)number);
  if (!strcmp(what, "abort")) abort();
  if (!strcmp(what, "terminals")) {
    printf("%d %d %d\n", isatty(0), isatty(1), isatty(2));
    return 0;
  }
  if (!strcmp(what, "every-byte")) {
    for (int i = 0; i < 256; ++i) putchar(i);
    return 0;
  }
  if (!strcmp(what, "line")) {
    // Byte by byte, so that the rest stays for whoever reads next.
    for (char c; read(0, &c, 1) == 1;) {
      putchar(c);
      if (c == '\n') break;
    }
    return 0;
  }
  if (!strcmp(what, "mixed")) {
    for (long i = 0; i < number; ++i) {
      fprintf(stdout, "out %ld\n", i);
      fflush(stdout);
      fprintf(stderr, "err %ld\n", i);
    }
    return 0;
  }
  fprintf(stderr, "console: no such use: %s (errno %d)\n", what, errno);
  return 2;
}
