// The commands about who made a component, and what it may do: what they are called, their flags
// and their help.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "unbolt/cli/diff.h"
#include "unbolt/cli/keys.h"
#include "unbolt/cli/sign.h"

namespace unbolt::cli {

// Holds what was given on the command line: it outlives the parsing.
class Sealing {
 public:
  explicit Sealing(CLI::App& app);
  Sealing(const Sealing&) = delete;

  // The exit status of the one that was called; nothing where it was none of these.
  std::optional<int> run() const;

 private:
  CLI::App& add(CLI::App& parent, const char* name, const char* what, std::function<int()> command);
  void add_keys(CLI::App& app);
  void add_sign(CLI::App& app);
  void add_verify(CLI::App& app);
  void add_diff(CLI::App& app);

  NewKeyOptions new_key_;
  ListKeysOptions list_keys_;
  ShowKeyOptions show_key_;
  VouchOptions vouch_;
  SignOptions sign_;
  VerifyOptions verify_;
  DiffOptions diff_;
  std::vector<std::pair<CLI::App*, std::function<int()>>> commands_;
};

}  // namespace unbolt::cli
