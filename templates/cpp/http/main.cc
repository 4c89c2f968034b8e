// Answers requests. Edit it while `unbolt dev` runs.
#include "http.h"

Response handle(const Request& request) {
  return {200, "Hello from @NAME@: " + request.method + " " + request.path + "\n"};
}
