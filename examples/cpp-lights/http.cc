// wasi:http, as every project of `unbolt new` has it.
#include "../../templates/cpp/common/http.cc"
