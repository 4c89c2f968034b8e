// wasi:http, as every project of `unbolt new` has it.
#include "../../templates/cpp/web/http.cc"
