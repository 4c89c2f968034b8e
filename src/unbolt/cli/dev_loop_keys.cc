// What is typed while `unbolt dev` runs.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include "unbolt/cli/dev_loop.h"
#include "unbolt/cli/output.h"
#include "unbolt/contracts/provider_url.h"

extern "C" char** environ;

namespace unbolt::cli {
namespace {

using Tone = Console::Tone;

constexpr std::string_view kSelf = "dev";

std::string text_of(const Error& error) {
  return error.hint.empty() ? error.message : fmt::format("{}\n  {}", error.message, error.hint);
}

}  // namespace

std::string DevLoop::list_of_keys() const {
  return "keys: o open the page, l links, s swap a provider, b build again, q quit";
}

void DevLoop::on_keys() {
  if (keys_.in_line()) {
    if (const auto line = keys_.read_line(); line && !line->empty()) swap(*line);
    return;
  }
  for (const char key : keys_.read()) on_key(key);
}

void DevLoop::on_key(char key) {
  switch (key) {
    case 'q': return quit(kDone);
    case 'o': return open_page();
    case 'b':
      for (const auto& [name, build] : project_.builds) want(name);
      return;
    case 'l':
      if (host_.serves()) return host_.show_links();
      return console_.say(kSelf, "nothing serves yet");
    case 's':
      if (!host_.serves()) return console_.say(kSelf, "nothing serves yet");
      console_.say(kSelf, "swap: type [COMPONENT] CONTRACT=URL, as in wasi:keyvalue=memory:");
      return keys_.begin_line();
    default: return console_.say(kSelf, list_of_keys(), Tone::Quiet);
  }
}

void DevLoop::swap(const std::string& line) {
  std::string component;
  std::string_view rest = line;
  if (const auto space = rest.find(' '); space != rest.npos) {
    component = rest.substr(0, space);
    rest.remove_prefix(rest.find_first_not_of(' ', space));
  } else if (project_.desired.components.size() == 1) {
    component = project_.desired.components.begin()->first;
  }
  auto link = contracts::parse_link_argument(rest);
  if (component.empty() || !link) {
    console_.say(kSelf,
                 component.empty() ? "name the component too: COMPONENT CONTRACT=URL"
                                   : text_of(link.error()),
                 Tone::Bad);
    return;
  }
  host_.swap(component, link->contract.substr(0, link->contract.find('@')),
             std::string(rest.substr(rest.find('=') + 1)));
}

void DevLoop::open_page() {
  const std::string url = fmt::format("http://{}/", address_);
  console_.say(kSelf, url);
  std::string program = "xdg-open", argument = url;
  char* arguments[] = {program.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0);
  pid_t process;
  if (::posix_spawnp(&process, program.c_str(), &actions, nullptr, arguments, environ) != 0)
    console_.say(kSelf, "no xdg-open here: open it by hand", Tone::Quiet);
  posix_spawn_file_actions_destroy(&actions);
}

}  // namespace unbolt::cli
