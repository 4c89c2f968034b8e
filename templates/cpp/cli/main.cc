// A program of the command line: unbolt run build/@NAME@.wasm -- ARGUMENTS
#include <cstdio>

int main(int argc, char** argv) {
  std::printf("Hello from @NAME@");
  for (int i = 1; i < argc; ++i) std::printf(" %s", argv[i]);
  std::putchar('\n');
}
