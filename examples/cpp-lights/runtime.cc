// What the C++ library calls when it is out of memory.
#include "../../templates/cpp/common/runtime.cc"
