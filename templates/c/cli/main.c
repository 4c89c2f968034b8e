// A program of the command line: unbolt run build/@NAME@.wasm -- ARGUMENTS
#include <stdio.h>

int main(int argc, char **argv) {
  printf("Hello from @NAME@");
  for (int i = 1; i < argc; ++i) printf(" %s", argv[i]);
  putchar('\n');
  return 0;
}
