// A request and its answer, as main.c sees them; http.c is between them and wasi:http.
#pragma once

#include <stddef.h>

struct request {
  const char *method;  // "GET"
  const char *path;    // "/", without the query
  const char *query;   // what stands behind '?', or ""
  const char *body;    // of at most 1 MiB
  size_t size;         // of the body
};

struct response {
  int status;
  const char *type;  // "text/plain"
  char *body;        // ends in a zero byte; made with malloc, and freed when it is sent
};

// Yours, in main.c.
struct response handle(const struct request *request);
