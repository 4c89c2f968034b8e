// A CGI program that does what its path says, well or badly.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void begin(void) {
  printf("Content-Type: text/plain\n\n");
}

static void copy_input(void) {
  char piece[4096];
  for (ssize_t n; (n = read(0, piece, sizeof piece)) > 0;) {
    for (ssize_t done = 0; done < n;) {
      ssize_t written = write(1, piece + done, (size_t)(n - done));
      if (written <= 0) return;
      done += written;
    }
  }
}

static int is(const char *path) {
  const char *asked = getenv("PATH_INFO");
  return asked && !strcmp(asked, path);
}

int main(int argc, char **argv) {
  if (is("/env")) {
    begin();
    for (char **one = environ; *one; ++one) puts(*one);
    for (int i = 1; i < argc; ++i) printf("argument %d: %s\n", i, argv[i]);
  } else if (is("/raw")) {  // the body of the request is the whole output
    copy_input();
  } else if (is("/echo")) {
    begin();
    fflush(stdout);
    copy_input();
  } else if (is("/exit-before")) {
    return 3;
  } else if (is("/exit-after")) {
    begin();
    puts("done");
    fflush(stdout);
    exit(3);
  } else if (is("/trap-before")) {
    __builtin_trap();
  } else if (is("/trap-after")) {
    begin();
    puts("half");
    fflush(stdout);
    __builtin_trap();
  } else if (is("/trap-in-head")) {
    printf("Content-Type: text/plain\n");
    fflush(stdout);
    __builtin_trap();
  } else if (is("/loop")) {
    for (volatile long i = 0;; ++i) {
    }
  } else if (is("/stderr")) {
    fprintf(stderr, "first line\nsecond line\nno end");
    begin();
  } else if (is("/flood")) {
    begin();
    char line[1024];
    memset(line, 'x', sizeof line);
    for (;;) {
      if (fwrite(line, 1, sizeof line, stdout) != sizeof line) {
        fprintf(stderr, "nobody reads\n");
        return 0;
      }
    }
  } else if (is("/large")) {
    begin();
    for (int i = 0; i < 100000; ++i) printf("%09d\n", i);
  } else if (is("/slow")) {
    begin();
    puts("now");
    fflush(stdout);
    sleep(1);
    puts("later");
  } else if (is("/long-head")) {
    for (int i = 0; i < 100000; ++i) printf("X-Field-%d: value\n", i);
    begin();
  }
  return 0;
}
