// The command line. Here the parts are wired to one another; nothing below knows its siblings.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "unbolt/cli/allocator.h"
#include "unbolt/cli/call.h"
#include "unbolt/cli/inspect.h"
#include "unbolt/cli/output.h"
#include "unbolt/cli/run.h"

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
  run.add_flag("--cgi", options.cgi,
               "Serve a command: each request runs it, with CGI variables in its environment, the "
               "body as its input and its output as the response");
  run.add_flag("--json", options.json,
               "Serve every exported function: POST /INTERFACE/FUNCTION with JSON in and JSON out; "
               "GET / lists them");
  add_grants(run, options);
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
  CLI::App app("A host for small, signed WebAssembly components", "unbolt");
  app.set_version_flag("--version", "unbolt " UNBOLT_VERSION);
  app.require_subcommand(1);
  RunOptions run;
  CallOptions call;
  call.run.max_instances = 0;  // one, which needs no pool
  InspectOptions inspect;
  add_run(app, run);
  add_call(app, call);
  add_inspect(app, inspect);
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
  return inspect_command(inspect);
}

}  // namespace
}  // namespace unbolt::cli

int main(int argc, char** argv) { return unbolt::cli::main(argc, argv); }
