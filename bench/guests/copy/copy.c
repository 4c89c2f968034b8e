// copy FROM TO BUFFER: what cp does, through the C library and WASI preview1.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int give_up(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: copy FROM TO BUFFER\n");
    return 2;
  }
  const size_t size = strtoul(argv[3], NULL, 10);
  char *buffer = malloc(size);
  const int from = open(argv[1], O_RDONLY), to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (!buffer || from < 0 || to < 0) return give_up("open");
  for (;;) {
    const ssize_t have = read(from, buffer, size);
    if (have < 0) return give_up("read");
    if (have == 0) return close(to) < 0 ? give_up("close") : 0;
    for (ssize_t done = 0; done < have;) {
      const ssize_t n = write(to, buffer + done, have - done);
      if (n < 0) return give_up("write");
      done += n;
    }
  }
}
