// The command line. Here the parts are wired to one another; nothing below knows its siblings.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "unbolt/cli/allocator.h"
#include "unbolt/cli/authoring.h"
#include "unbolt/cli/call.h"
#include "unbolt/cli/help_pages.h"
#include "unbolt/cli/inspect.h"
#include "unbolt/cli/manage.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/providers.h"
#include "unbolt/cli/run.h"
#include "unbolt/cli/sealing.h"
#include "unbolt/cli/up.h"
#include "unbolt/control/manifest.h"

#ifndef UNBOLT_VERSION
#define UNBOLT_VERSION "0.0.0"
#endif

namespace unbolt::cli {
namespace {

// What a component gets, whatever it is run for.
void add_grants(CLI::App& run, RunOptions& options) {
  run.add_option("--link", options.links, "Provider of a contract, as wasi:keyvalue=sqlite:app.db")
      ->type_name("CONTRACT=URL")
      ->allow_extra_args(false);
  run.add_option("--config", options.config, "Configuration value for wasi:config")
      ->type_name("K=V")
      ->allow_extra_args(false);
  run.add_option("--secret", options.secrets,
                 "Secret for wasmcloud:secrets: env:VARIABLE, file:PATH or value:TEXT")
      ->type_name("NAME=SOURCE")
      ->allow_extra_args(false);
  run.add_option("--env", options.env, "Environment variable that the component sees")
      ->type_name("K=V")
      ->allow_extra_args(false);
  run.add_option("--dir", options.dirs, "Folder that the component may use, and where it sees it")
      ->type_name("HOST::GUEST[:ro]")
      ->allow_extra_args(false);
  run.add_option("--allow-host", options.allow_hosts,
                 "Host that the component may send HTTP requests to")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  run.add_option("--allow-connect", options.allow_connect,
                 "Peer that the component may connect and send datagrams to")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  run.add_option("--allow-listen", options.allow_listen,
                 "Address that the component may accept connections and receive datagrams at")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  run.add_option("--grant", options.grants, "What the component may do; see docs/grants.md")
      ->type_name("KIND:VALUE")
      ->allow_extra_args(false);
  run.add_option("--max-memory", options.max_memory,
                 "MiB that each memory of an instance may grow to")
      ->type_name("MIB")
      ->check(CLI::Range(1u, 4096u))
      ->capture_default_str();
}

void add_run(CLI::App& app, RunOptions& options) {
  auto& run = *app.add_subcommand(
      "run",
      "Serve a component that handles HTTP, or run one that is a command (also a core module of "
      "WASI preview1)");
  run.add_option("FILE", options.file, "The component")->required();
  run.add_option("--listen", options.listen, "Address to listen on; port 0 picks a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  run.add_option("--telnet", options.telnet,
                 "Serve telnet at this address with a component that answers it")
      ->type_name("HOST:PORT");
  run.add_flag("--cgi", options.cgi,
               "Serve a command: each request runs it, with CGI variables in its environment, the "
               "body as its input and its output as the response");
  run.add_flag("--json", options.json,
               "Serve every exported function: POST /INTERFACE/FUNCTION with JSON in and JSON out; "
               "GET / lists them");
  add_grants(run, options);
  add_admission(run, options.admission);
  run.add_option("--isolation", options.isolation,
                 "State of an instance: fresh for each request (the default), or reused:N")
      ->type_name("fresh|reused:N");
  run.add_option("--threads", options.threads, "Event loops; default: one a core")
      ->type_name("N")
      ->check(CLI::Range(1u, 1024u));
  run.add_option("--timeout", options.timeout,
                 "Seconds a request may take; default: 30, for a command no limit")
      ->type_name("S")
      ->check(CLI::Range(0.001, 86'400.0));
  run.add_option("--max-instances", options.max_instances,
                 "Instances that may be live at a time; 0: no pool for them")
      ->type_name("N")
      ->check(CLI::Range(0u, 100'000u))
      ->capture_default_str();
  run.add_option("ARGS", options.arguments, "Arguments of a command, after --");
}

void add_call(CLI::App& app, CallOptions& options) {
  auto& call = *app.add_subcommand(
      "call", "Call one exported function of a component, with JSON in and JSON out");
  call.add_option("FILE", options.run.file, "The component")->required();
  call.add_option("FUNCTION", options.function,
                  "package:name/interface.function, or a function of the world's top level")
      ->required();
  call.add_option("JSON", options.arguments,
                  "Arguments: an array, or an object by their names; - reads standard input")
      ->capture_default_str();
  add_grants(call, options.run);
  add_admission(call, options.run.admission);
  call.add_option("--timeout", options.run.timeout, "Seconds that the call may take")
      ->type_name("S")
      ->check(CLI::Range(0.001, 86'400.0));
}

void add_inspect(CLI::App& app, InspectOptions& options) {
  auto& inspect = *app.add_subcommand(
      "inspect", "List what a component imports and exports, and what this host meets");
  inspect.add_option("FILE", options.file, "The component")->required();
  inspect.add_option("-o,--output", options.output, "Form of the answer")
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void add_up(CLI::App& app, UpOptions& options) {
  auto& up = *app.add_subcommand("up", "Run the application of a manifest, until it is stopped");
  up.add_option("MANIFEST", options.manifest, "The manifest")->capture_default_str();
  up.add_option("--listen", options.listen, "Address to serve HTTP on; port 0 picks a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  up.add_option("--threads", options.threads, "Event loops; default: one a core")
      ->type_name("N")
      ->check(CLI::Range(1u, 1024u));
  up.add_option("--max-instances", options.max_instances,
                "Instances that may be live at a time, of all components; 0: no pool for them")
      ->type_name("N")
      ->check(CLI::Range(0u, 100'000u))
      ->capture_default_str();
  add_admission(up, options.admission);
  up.add_flag("--reset", options.reset,
              "Begin with the manifest also where the application was changed since");
}

// The commands that speak to a running host, each with what it does.
struct Manage {
  ApplyOptions apply;
  ManageOptions ps, links, stop;
  LogsOptions logs;
  SwapOptions swap;
  RollbackOptions rollback;
  std::vector<std::pair<CLI::App*, std::function<int()>>> commands;

  CLI::App& add(CLI::App& app, const char* name, const char* what, ManageOptions& host,
                std::function<int()> command) {
    auto& added = *app.add_subcommand(name, what);
    added.add_option("--app", host.application, "Application, where several run")
        ->type_name("NAME")
        ->envname("UNBOLT_APP");
    added.add_option("-o,--output", host.output, "Form of the answer")
        ->type_name("text|json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    commands.emplace_back(&added, std::move(command));
    return added;
  }
};

void add_manage(CLI::App& app, Manage& m) {
  auto& apply = m.add(app, "apply", "Bring the running host to what a manifest says", m.apply.host,
                      [&m] { return apply_command(m.apply); });
  apply.add_option("MANIFEST", m.apply.manifest, "The manifest")->capture_default_str();
  apply.add_flag("--dry-run", m.apply.dry_run,
                 "Print the plan, and check that it could be carried out");
  m.add(app, "ps", "List the components of the running host", m.ps,
        [&m] { return ps_command(m.ps); });
  m.add(app, "links", "List where the components' contracts lead", m.links,
        [&m] { return links_command(m.links); });
  auto& logs = m.add(app, "logs", "Print the last lines of the host's log", m.logs.host,
                     [&m] { return logs_command(m.logs); });
  logs.add_option("COMPONENT", m.logs.component, "Only this component's");
  logs.add_flag("-f,--follow", m.logs.follow, "Go on with lines as they come");
  logs.add_option("-n,--lines", m.logs.lines, "How many of the last lines")
      ->type_name("N")
      ->check(CLI::Range(0u, 10'000u))
      ->capture_default_str();
  auto& swap = m.add(app, "swap",
                     "Put another provider or another revision into service, and drain the old one",
                     m.swap.host, [&m] { return swap_command(m.swap); });
  swap.add_option("COMPONENT", m.swap.component, "The component")->required();
  swap.add_option("TO", m.swap.to, "CONTRACT=URL, as wasi:keyvalue=sqlite:app.db, or FILE")
      ->required();
  swap.add_option("--name", m.swap.link, "Name of the link, where the contract has several")
      ->type_name("NAME");
  swap.add_flag("--copy", m.swap.copy,
                "Carry what the old provider holds over to the new one, while writes go on");
  swap.add_flag("--overwrite", m.swap.overwrite,
                "With --copy: remove what the new provider holds already");
  swap.add_option("--digest", m.swap.digest, "What the file must be")->type_name("sha256:HEX");
  swap.add_option("--traffic", m.swap.traffic,
                  "A canary: only so much of the calls goes to the new revision")
      ->type_name("PERCENT");
  auto& rollback = m.add(app, "rollback", "Undo the last change of a component; a canary ends",
                         m.rollback.host, [&m] { return rollback_command(m.rollback); });
  rollback.add_option("COMPONENT", m.rollback.component, "The component")->required();
  rollback.add_flag("--copy", m.rollback.copy,
                    "Carry what the provider holds back to the one before, while writes go on");
  rollback.add_flag("--overwrite", m.rollback.overwrite,
                    "With --copy: remove what the one before holds already");
  m.add(app, "stop", "End the running host, after the calls under way", m.stop,
        [&m] { return stop_command(m.stop); });
}

// A standard stream that was closed is an empty one: nothing that is opened later may take its
// place.
void open_missing_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    if (::open("/dev/null", O_RDWR) < 0) std::abort();  // takes the lowest number that is free
  }
}

int main(int argc, char** argv) {
  keep_freed_memory();
  open_missing_streams();
  // A peer that leaves is an error of a write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow further is one, too.
  std::signal(SIGXFSZ, SIG_IGN);
  // A child of a host: what it is told is no command line of a user's.
  if (argc > 1 && std::string_view(argv[1]) == kProbeCommand)
    return plugin::run_probe({argv + 2, argv + argc});
  CLI::App app("A host for small WebAssembly components, with every part swappable while it runs",
               "unbolt");
  app.set_version_flag("--version", "unbolt " UNBOLT_VERSION);
  app.require_subcommand(1);
  RunOptions run;
  CallOptions call;
  call.run.max_instances = 0;  // one, which needs no pool
  InspectOptions inspect;
  UpOptions up;
  Manage manage;
  add_run(app, run);
  add_call(app, call);
  add_inspect(app, inspect);
  add_up(app, up);
  add_manage(app, manage);
  const Authoring authoring(app);
  const Sealing sealing(app);
  app.add_subcommand("schema", "Print the JSON schema of manifests (unbolt.yaml), for editors");
  std::string shell;
  app.add_subcommand("completions", "Print the completions of a shell")
      ->add_option("SHELL", shell, "bash, zsh or fish")
      ->type_name("bash|zsh|fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  app.add_subcommand("man", "Print the man page: unbolt man | man -l -");
  // What follows `--` is the guest's and none of ours.
  auto [ours, guests] = split_arguments(argc, argv);
  try {
    app.parse(ours);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return usage_error(e.what());
  }
  run.arguments.insert(run.arguments.end(), guests.begin(), guests.end());
  if (app.got_subcommand("run")) return run_command(run);
  if (app.got_subcommand("call")) return call_command(call);
  const auto print = [](const std::string& text) {
    return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? kFailed : kDone;
  };
  if (app.got_subcommand("schema")) return print(control::manifest_schema());
  if (app.got_subcommand("completions")) return print(completions(app, shell));
  if (app.got_subcommand("man")) return print(man_page(app, UNBOLT_VERSION));
  if (app.got_subcommand("up")) return up_command(up);
  for (const auto& [command, perform] : manage.commands) {
    if (app.got_subcommand(command)) return perform();
  }
  if (const auto status = authoring.run()) return *status;
  if (const auto status = sealing.run()) return *status;
  return inspect_command(inspect);
}

}  // namespace
}  // namespace unbolt::cli

int main(int argc, char** argv) { return unbolt::cli::main(argc, argv); }
