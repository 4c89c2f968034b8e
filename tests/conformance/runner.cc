// Carries out one .wast file that `unbolt-wast` has taken apart. Prints a JSON line for each of its
// commands; what they amount to is run.py's to say.
#include <cstdio>
#include <cstring>
#include <exception>

#include <fmt/format.h>

#include "script.h"

int main(int argc, char** argv) {
  const bool newer = argc == 3 && std::strcmp(argv[2], "--newer-validator") == 0;
  if (argc != 2 && !newer) {
    fmt::print(stderr, "usage: conformance_runner FOLDER [--newer-validator]\n");
    return 2;
  }
  using unbolt::conformance::Outcome;
  try {
    unbolt::conformance::Script script(argv[1], newer);
    for (const auto& command : script.commands()) {
      Outcome outcome;
      try {
        outcome = script.carry_out(command);
      } catch (const std::exception& e) {
        outcome = {Outcome::Status::Failed, e.what()};
      }
      nlohmann::json line{{"line", command.at("line")},
                          {"type", command.at("type")},
                          {"passed", outcome.status == Outcome::Status::Passed},
                          {"why", outcome.why}};
      fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      std::fflush(stdout);
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return 1;
  }
  return 0;
}
