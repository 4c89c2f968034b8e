#include "unbolt/cli/help_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace unbolt::cli {
namespace {

// What one word of a command line may be.
struct Word {
  std::vector<std::string> flags;    // "-o", "--output"; of an option
  std::string place;                 // "MANIFEST"; of what stands by itself
  std::string value;                 // "text|json"; "" where it takes none
  std::vector<std::string> choices;  // what the value may be, where that is known
  std::string description;
  std::string fallback;
  bool required = false;
};

struct Command {
  std::string name, description;
  std::vector<Word> words;
  std::vector<Command> below;  // "new" of "keys"
};

bool is_word(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// "text|json" → text, json; "HOST:PORT" → nothing.
std::vector<std::string> choices_of(const std::string& value) {
  std::vector<std::string> choices;
  if (!value.contains('|')) return choices;
  for (std::size_t at = 0; at <= value.size();) {
    const auto end = std::min(value.find('|', at), value.size());
    choices.push_back(value.substr(at, end - at));
    at = end + 1;
  }
  for (const auto& choice : choices)
    if (!is_word(choice)) return {};
  return choices;
}

Word word_of(const CLI::Option& option) {
  Word word;
  for (const auto& name : option.get_snames()) word.flags.push_back("-" + name);
  for (const auto& name : option.get_lnames()) word.flags.push_back("--" + name);
  if (word.flags.empty()) word.place = option.get_name();
  word.description = option.get_description();
  word.required = option.get_required();
  if (option.get_items_expected_max() > 0) {
    word.value = option.get_type_name();
    // What CLI11 adds where a value is checked.
    if (const auto colon = word.value.find(":{"); colon != std::string::npos) {
      std::string list = word.value.substr(colon + 2);
      if (list.ends_with('}')) list.pop_back();
      for (char& c : list)
        if (c == ',') c = '|';
      word.choices = choices_of(list);
      word.value.resize(colon);
    }
    if (const auto range = word.value.find(" in ["); range != std::string::npos)
      word.value.resize(word.value.rfind(':', range));
    if (word.choices.empty()) word.choices = choices_of(word.value);
    word.fallback = option.get_default_str();
  }
  return word;
}

std::vector<Command> commands_of(const CLI::App& app) {
  std::vector<Command> commands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    Command command{sub->get_name(), sub->get_description(), {}, commands_of(*sub)};
    for (const CLI::Option* option : sub->get_options()) command.words.push_back(word_of(*option));
    commands.push_back(std::move(command));
  }
  return commands;
}

std::vector<std::string> names_of(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  return names;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

// What the parts of bash's function are, of commands behind the words `before`.
struct BashCases {
  std::string values, flags, deeper;
};
void add_bash(BashCases& cases, const std::vector<Command>& commands, const std::string& before) {
  for (const Command& command : commands) {
    const std::string words = before + command.name;
    std::vector<std::string> flags;
    for (const Word& word : command.words) {
      for (const auto& flag : word.flags) {
        flags.push_back(flag);
        if (!word.choices.empty()) {
          cases.values +=
              fmt::format("    '{}:{}') choices='{}' ;;\n", words, flag, joined(word.choices, " "));
        } else if (!word.value.empty()) {
          cases.values += fmt::format("    '{}:{}') files=yes ;;\n", words, flag);
        }
      }
    }
    std::vector<std::string> first = names_of(command.below);
    for (const Word& word : command.words)
      if (word.flags.empty() && first.empty()) first = word.choices;
    cases.flags += fmt::format("    '{}') flags='{}'; first='{}' ;;\n", words, joined(flags, " "),
                               joined(first, " "));
    if (command.below.empty()) continue;
    cases.deeper += fmt::format("    '{}') deeper=yes ;;\n", words);
    add_bash(cases, command.below, words + " ");
  }
}

std::string bash(const CLI::App& app) {
  const auto commands = commands_of(app);
  BashCases cases;
  add_bash(cases, commands, "");
  return fmt::format(
      R"(# bash completion of unbolt; source it, or put it into ~/.local/share/bash-completion/completions/unbolt
_unbolt() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}
  local choices= files= flags= first= deeper= at=2
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{} --help --version' -- "$word"))
    return
  fi
  while [ "$COMP_CWORD" -gt "$at" ]; do
    deeper=
    case $command in
{}    esac
    [ -n "$deeper" ] || break
    command="$command ${{COMP_WORDS[at]}}"
    at=$((at + 1))
  done
  case $command:$before in
{}  esac
  case $command in
{}  esac
  if [ -n "$choices" ]; then
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
  elif [ -z "$files" ] && [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  elif [ -z "$files" ] && [ "$COMP_CWORD" -eq "$at" ] && [ -n "$first" ]; then
    COMPREPLY=($(compgen -W "$first" -- "$word"))
  else
    compopt -o default
  fi
}}
complete -F _unbolt unbolt
)",
      joined(names_of(commands), " "), cases.deeper, cases.values, cases.flags);
}

// For what stands between single quotes.
std::string quoted(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (special.contains(c)) out += '\\';
      out += c;
    }
  }
  return out;
}

// What zsh is told of the words behind one command.
std::string zsh_arguments(const Command& command) {
  std::string out = "_arguments";
  int place = 0;
  for (const Word& word : command.words) {
    const std::string values =
        word.choices.empty() ? std::string("_files") : "(" + joined(word.choices, " ") + ")";
    const std::string text = quoted(word.description, "[]:\\");
    if (word.flags.empty()) {
      out += fmt::format(" \\\n        '{}:{}:{}'", ++place, quoted(word.place, ":"), values);
      continue;
    }
    for (const auto& flag : word.flags) {
      out += word.value.empty() ? fmt::format(" \\\n        '*{}[{}]'", flag, text)
                                : fmt::format(" \\\n        '*{}[{}]:{}:{}'", flag, text,
                                              quoted(word.value, ":[]"), values);
    }
  }
  return out;
}

// Takes the first of the words as one of `commands`, and goes on behind it.
std::string zsh_commands(const std::vector<Command>& commands) {
  std::string out = "  commands=(\n";
  for (const Command& command : commands)
    out += fmt::format("    '{}:{}'\n", command.name, quoted(command.description, ":"));
  out += R"(  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case ${words[1]} in
)";
  for (const Command& command : commands) {
    out +=
        fmt::format("    {})\n      {}\n      ;;\n", command.name,
                    command.below.empty() ? zsh_arguments(command) : zsh_commands(command.below));
  }
  return out + "  esac";
}

std::string zsh(const CLI::App& app) {
  return fmt::format(R"(#compdef unbolt
# zsh completion of unbolt; put it as _unbolt into a folder of $fpath
_unbolt() {{
  local -a commands
{}
}}
if [ "$funcstack[1]" = _unbolt ]; then
  _unbolt "$@"
else
  compdef _unbolt unbolt
fi
)",
                     zsh_commands(commands_of(app)));
}

// `when`: what fish asks before it offers one of `commands` or what stands behind it. A name that
// stands at several places is told apart by the commands before it.
void add_fish(std::string& out, const std::vector<Command>& commands, const std::string& when,
              const std::string& behind) {
  for (const Command& command : commands) {
    out += fmt::format("complete -c unbolt -n '{}' -f -a {} -d '{}'\n", when, command.name,
                       quoted(command.description, "\\"));
    std::string seen = behind + "__fish_seen_subcommand_from " + command.name;
    for (const Command& other : commands) {
      if (std::ranges::any_of(other.below, [&](const auto& c) { return c.name == command.name; }))
        seen += "; and not __fish_seen_subcommand_from " + other.name;
    }
    for (const Word& word : command.words) {
      const std::string from = fmt::format("complete -c unbolt -n '{}'", seen);
      if (word.flags.empty()) {
        if (!word.choices.empty())
          out += fmt::format("{} -f -a '{}'\n", from, joined(word.choices, " "));
        continue;
      }
      std::string names;
      for (const auto& name : word.flags)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      std::string value;
      if (!word.value.empty())
        value =
            word.choices.empty() ? " -r" : fmt::format(" -x -a '{}'", joined(word.choices, " "));
      out += fmt::format("{}{}{} -d '{}'\n", from, names, value, quoted(word.description, "\\"));
    }
    if (command.below.empty()) continue;
    add_fish(out, command.below,
             fmt::format("{}; and not __fish_seen_subcommand_from {}", seen,
                         joined(names_of(command.below), " ")),
             seen + "; and ");
  }
}

std::string fish(const CLI::App& app) {
  std::string out =
      "# fish completion of unbolt; put it into ~/.config/fish/completions/unbolt.fish\n";
  add_fish(out, commands_of(app), "__fish_use_subcommand", "");
  return out;
}

// Text for roff: nothing of it is a request, and its hyphens are those of the keyboard.
std::string roff(std::string_view text) {
  std::string out;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    begins = c == '\n';
  }
  return out;
}

void add_man(std::string& out, const std::vector<Command>& commands, const std::string& before) {
  for (const Command& command : commands) {
    const std::string words = before + " " + command.name;
    std::string synopsis = words;
    for (const Word& word : command.words) {
      if (word.flags.empty())
        synopsis += word.required ? " " + word.place : " [" + word.place + "]";
    }
    if (!command.below.empty()) synopsis += " " + joined(names_of(command.below), "|");
    out += fmt::format(".SS \"{}\"\n{}.\n", roff(synopsis), roff(command.description));
    for (const Word& word : command.words) {
      const std::string name = word.flags.empty() ? word.place : joined(word.flags, ", ");
      const std::string value = word.flags.empty() || word.value.empty() ? "" : " " + word.value;
      out += fmt::format(".TP\n\\fB{}\\fR{}\n{}.", roff(name),
                         value.empty() ? "" : fmt::format("\\fI{}\\fR", roff(value)),
                         roff(word.description));
      if (!word.fallback.empty() && word.fallback != "[]" && word.fallback != "\"\"")
        out += fmt::format(" Default: {}.", roff(word.fallback));
      out += '\n';
    }
    add_man(out, command.below, words);
  }
}

}  // namespace

std::string completions(const CLI::App& app, std::string_view shell) {
  return shell == "bash" ? bash(app) : shell == "zsh" ? zsh(app) : fish(app);
}

std::string man_page(const CLI::App& app, std::string_view version) {
  std::string out = fmt::format(
      ".TH UNBOLT 1 \"\" \"unbolt {}\" \"User Commands\"\n.SH NAME\nunbolt \\- {}\n"
      ".SH SYNOPSIS\n.B unbolt\n.I COMMAND\n[\\fIOPTION\\fR]...\n.SH COMMANDS\n",
      roff(version), roff(app.get_description()));
  add_man(out, commands_of(app), "unbolt");
  out += ".SH EXIT STATUS\n0: done; 1: it failed; 2: the command line is wrong.\n";
  return out;
}

}  // namespace unbolt::cli
