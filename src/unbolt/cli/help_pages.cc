#include "unbolt/cli/help_pages.h"

#include <fmt/format.h>

#include <string>
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

Command command_of(const CLI::App& app) {
  Command command{app.get_name(), app.get_description(), {}};
  for (const CLI::Option* option : app.get_options()) command.words.push_back(word_of(*option));
  return command;
}

std::vector<Command> commands_of(const CLI::App& app) {
  std::vector<Command> commands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(command_of(*sub));
  return commands;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

std::string bash(const CLI::App& app) {
  std::vector<std::string> names;
  std::string cases, values;
  for (const Command& command : commands_of(app)) {
    names.push_back(command.name);
    std::vector<std::string> flags;
    for (const Word& word : command.words) {
      for (const auto& flag : word.flags) {
        flags.push_back(flag);
        if (!word.choices.empty()) {
          values += fmt::format("    {}:{}) choices='{}' ;;\n", command.name, flag,
                                joined(word.choices, " "));
        } else if (!word.value.empty()) {
          values += fmt::format("    {}:{}) files=yes ;;\n", command.name, flag);
        }
      }
    }
    std::vector<std::string> first;
    for (const Word& word : command.words)
      if (word.flags.empty() && first.empty()) first = word.choices;
    cases += fmt::format("    {}) flags='{}'; first='{}' ;;\n", command.name, joined(flags, " "),
                         joined(first, " "));
  }
  return fmt::format(
      R"(# bash completion of unbolt; source it, or put it into ~/.local/share/bash-completion/completions/unbolt
_unbolt() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}
  local choices= files= flags= first=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{} --help --version' -- "$word"))
    return
  fi
  case $command:$before in
{}  esac
  case $command in
{}  esac
  if [ -n "$choices" ]; then
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
  elif [ -z "$files" ] && [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  elif [ -z "$files" ] && [ "$COMP_CWORD" -eq 2 ] && [ -n "$first" ]; then
    COMPREPLY=($(compgen -W "$first" -- "$word"))
  else
    compopt -o default
  fi
}}
complete -F _unbolt unbolt
)",
      joined(names, " "), values, cases);
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

std::string zsh(const CLI::App& app) {
  std::string commands, cases;
  for (const Command& command : commands_of(app)) {
    commands += fmt::format("    '{}:{}'\n", command.name, quoted(command.description, ":"));
    cases += fmt::format("    {})\n      _arguments \\\n", command.name);
    int place = 0;
    for (const Word& word : command.words) {
      const std::string values =
          word.choices.empty() ? std::string("_files") : "(" + joined(word.choices, " ") + ")";
      const std::string text = quoted(word.description, "[]:\\");
      if (word.flags.empty()) {
        cases +=
            fmt::format("        '{}{}:{}' \\\n", ++place, ":" + quoted(word.place, ":"), values);
        continue;
      }
      for (const auto& flag : word.flags) {
        cases += word.value.empty() ? fmt::format("        '*{}[{}]' \\\n", flag, text)
                                    : fmt::format("        '*{}[{}]:{}:{}' \\\n", flag, text,
                                                  quoted(word.value, ":[]"), values);
      }
    }
    cases += "        ;;\n";
  }
  // The last line of each _arguments continues onto nothing.
  for (std::size_t at; (at = cases.find(" \\\n        ;;")) != std::string::npos;)
    cases.replace(at, 12, "\n      ;;");
  return fmt::format(R"(#compdef unbolt
# zsh completion of unbolt; put it as _unbolt into a folder of $fpath
_unbolt() {{
  local -a commands
  commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=${{words[2]}}
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
if [ "$funcstack[1]" = _unbolt ]; then
  _unbolt "$@"
else
  compdef _unbolt unbolt
fi
)",
                     commands, cases);
}

std::string fish(const CLI::App& app) {
  std::string out =
      "# fish completion of unbolt; put it into ~/.config/fish/completions/unbolt.fish\n";
  std::string flag;
  for (const Command& command : commands_of(app)) {
    out += fmt::format("complete -c unbolt -n __fish_use_subcommand -f -a {} -d '{}'\n",
                       command.name, quoted(command.description, "\\"));
    for (const Word& word : command.words) {
      const std::string from =
          fmt::format("complete -c unbolt -n '__fish_seen_subcommand_from {}'", command.name);
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
  }
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

}  // namespace

std::string completions(const CLI::App& app, std::string_view shell) {
  return shell == "bash" ? bash(app) : shell == "zsh" ? zsh(app) : fish(app);
}

std::string man_page(const CLI::App& app, std::string_view version) {
  std::string out = fmt::format(
      ".TH UNBOLT 1 \"\" \"unbolt {}\" \"User Commands\"\n.SH NAME\nunbolt \\- {}\n"
      ".SH SYNOPSIS\n.B unbolt\n.I COMMAND\n[\\fIOPTION\\fR]...\n.SH COMMANDS\n",
      roff(version), roff(app.get_description()));
  for (const Command& command : commands_of(app)) {
    std::string synopsis = fmt::format("unbolt {}", command.name);
    for (const Word& word : command.words) {
      if (word.flags.empty())
        synopsis += word.required ? " " + word.place : " [" + word.place + "]";
    }
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
  }
  out += ".SH EXIT STATUS\n0: done; 1: it failed; 2: the command line is wrong.\n";
  return out;
}

}  // namespace unbolt::cli
