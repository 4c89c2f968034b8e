// Completions of shells and man pages, made of the same texts as `--help`.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>

namespace unbolt::cli {

// A script for "bash", "zsh" or "fish", to be sourced or put where the shell looks for it.
std::string completions(const CLI::App& app, std::string_view shell);

// The page of the program, in the form of man(7): all of its commands with their options.
std::string man_page(const CLI::App& app, std::string_view version);

}  // namespace unbolt::cli
