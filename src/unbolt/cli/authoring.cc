#include "unbolt/cli/authoring.h"

#include "unbolt/project/toolchains.h"

namespace unbolt::cli {

CLI::App& Authoring::add(CLI::App& app, const char* name, const char* what,
                         std::function<int()> command) {
  CLI::App* added = app.add_subcommand(name, what);
  commands_.emplace_back(added, std::move(command));
  return *added;
}

Authoring::Authoring(CLI::App& app) {
  auto& begin = add(app, "new", "Begin a project: a component with its manifest",
                    [this] { return new_command(new_); });
  begin.add_option("NAME", new_.name, "The project, and the folder that is made")->required();
  begin.add_option("--lang", new_.language, "The language it is written in")
      ->check(CLI::IsMember(project::known_languages()))
      ->type_name("LANGUAGE")
      ->capture_default_str();
  begin
      .add_option("--template", new_.kind,
                  "What it begins as: http, keyvalue, messages, pins or cli")
      ->type_name("KIND")
      ->capture_default_str();

  auto& doctor = add(app, "doctor", "Check what this machine has to build components with",
                     [this] { return doctor_command(doctor_); });
  doctor.add_option("-o,--output", doctor_.output, "Form of the answer")
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();

  auto& build = add(app, "build", "Build the components of a project as its manifest says",
                    [this] { return build_command(build_); });
  build.add_option("PROJECT", build_.project, "The project's folder, or its manifest")
      ->capture_default_str();
  build.add_option("--component", build_.components, "Only this one")
      ->type_name("NAME")
      ->allow_extra_args(false);

  auto& dev = add(app, "dev", "Build a project, run it, and put each edit into service",
                  [this] { return dev_command(dev_); });
  dev.add_option("PROJECT", dev_.project, "The project's folder, or its manifest")
      ->capture_default_str();
  dev.add_option("--listen", dev_.listen, "Address to serve HTTP on; port 0 picks a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  dev.add_option("--threads", dev_.threads, "Event loops; default: one a core")
      ->type_name("N")
      ->check(CLI::Range(1u, 1024u));

  auto& wit = add(app, "wit", "Print the WIT of a component: all that it imports and exports",
                  [this] { return wit_command(wit_); });
  wit.add_option("FILE", wit_.file, "The component")->required();

  auto& bindgen = add(app, "bindgen", "Write the bindings of a world for guests",
                      [this] { return bindgen_command(bindgen_); });
  bindgen.add_option("LANGUAGE", bindgen_.language, "c (also for C++ and Zig), or go")
      ->check(CLI::IsMember({"c", "go"}))
      ->required();
  bindgen
      .add_option("WIT", bindgen_.wit,
                  "The package: a folder, with what it uses in its folder deps")
      ->capture_default_str();
  bindgen.add_option("--world", bindgen_.world, "The world; default: the only one")
      ->type_name("NAME");
  bindgen.add_option("--out", bindgen_.out, "Where the files go")
      ->type_name("DIR")
      ->capture_default_str();

  auto& componentize = add(app, "componentize", "Make a component of a core module",
                           [this] { return componentize_command(componentize_); });
  componentize.add_option("MODULE", componentize_.module, "What a compiler made")->required();
  componentize.add_option("-o,--out", componentize_.out, "The component; default: in its place")
      ->type_name("FILE");
  componentize
      .add_option("--wit", componentize_.wit,
                  "The package of its world; default: what its bindings say")
      ->type_name("DIR");
  componentize.add_option("--world", componentize_.world, "The world; default: the only one")
      ->type_name("NAME");
}

std::optional<int> Authoring::run() const {
  for (const auto& [command, perform] : commands_) {
    if (command->parsed()) return perform();
  }
  return std::nullopt;
}

}  // namespace unbolt::cli
