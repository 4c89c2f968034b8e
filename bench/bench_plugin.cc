// The plug-in that plugin_bench calls.
#include "unbolt/plugin/unbolt_plugin.hpp"

struct Numbers {
  explicit Numbers(const unbolt::provider::Options&) {}
  std::uint32_t next(std::uint32_t x) { return x + 1; }
};

UNBOLT_PROVIDER("numbers 1.0", Numbers,
                {"a:b/c", "next", unbolt::provider::function<&Numbers::next>})
