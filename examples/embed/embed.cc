// A program with a plug-in: gives it two functions, calls it, and drops it.
#include <unbolt/component/plugin.h>

#include <cstdio>
#include <map>
#include <optional>
#include <string>

using unbolt::component::Call;
using Known = std::map<std::string, std::string, std::less<>>;

// What the plug-in may call: two plain functions. `Known` is what it was started with.
std::optional<std::string> look_up(Call& call, std::string_view name) {
  const auto& known = call.host<Known>();
  const auto found = known.find(name);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}
void print_line(Call&, std::string_view line) {
  std::printf("plug-in: %.*s\n", static_cast<int>(line.size()), line.data());
}

int fail(const unbolt::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: embed PLUGIN.wasm TEXT\n");
    return 2;
  }
  unbolt::component::PluginHost host;
  host.offer("example:embed/program").func<look_up>("lookup").func<print_line>("log");
  const auto plugin = host.load(argv[1]);
  if (!plugin) return fail(plugin.error());

  Known known{{"name", "Ada"}, {"year", "1843"}};
  auto instance = plugin->start(&known);
  if (!instance) return fail(instance.error());
  const auto text = instance->call<std::string>("render", argv[2]);
  if (!text) return fail(text.error());
  std::printf("%s\n", text->c_str());
}  // here the instance is dropped, and its memory with it
