// Answers requests. Edit it while `unbolt dev` runs.
#include <stdio.h>
#include <stdlib.h>

#include "http.h"

struct response handle(const struct request *request) {
  char *text = NULL;
  asprintf(&text, "Hello from @NAME@: %s %s\n", request->method, request->path);
  return (struct response){200, "text/plain", text};
}
