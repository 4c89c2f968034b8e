"""Completions of shells and the man page: made of the texts of --help, so they name what there is."""

import pathlib
import re
import shutil
import subprocess

import pytest


def commands(call, *before):
    """The commands that --help lists."""
    text = call(*before, "--help").out
    return re.findall(r"^  ([a-z]+) ", text[text.index("Subcommands:") :], re.MULTILINE) if "Subcommands:" in text else []


def all_commands(call):
    """Those and the ones below them, each with the words of its place: ["keys", "new"]."""
    for command in commands(call):
        yield [command]
        yield from ([command, below] for below in commands(call, command))


def options(call, command):
    return re.findall(r"^ +(?:-\w, *)?(--[a-z-]+)", call(*command, "--help").out, re.MULTILINE)


def complete(call, tmp_path, words):
    """What bash would offer for these words, of which the last is being typed."""
    (tmp_path / "unbolt.bash").write_text(call("completions", "bash").out)
    script = f"""
      source {tmp_path}/unbolt.bash
      compopt() {{ echo FILES; }}
      COMP_WORDS=({' '.join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
      _unbolt
      printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    finished = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)
    assert finished.returncode == 0 and not finished.stderr, finished
    return finished.stdout.split()


def test_bash_offers_what_there_is(call, tmp_path):
    assert set(commands(call)) < set(complete(call, tmp_path, ["unbolt", ""]))
    assert complete(call, tmp_path, ["unbolt", "do"]) == ["doctor"]
    assert {"--listen", "--link", "--json"} <= set(complete(call, tmp_path, ["unbolt", "run", "--"]))
    assert complete(call, tmp_path, ["unbolt", "ps", "-o", "j"]) == ["json"]
    assert set(complete(call, tmp_path, ["unbolt", "new", "--lang", ""])) >= {"cpp", "rust", "js"}
    assert complete(call, tmp_path, ["unbolt", "completions", "f"]) == ["fish"]
    assert complete(call, tmp_path, ["unbolt", "run", "app"]) == ["FILES"]


def test_bash_offers_every_command_and_option(call, tmp_path):
    found = list(all_commands(call))
    assert ["keys", "vouch"] in found and ["dev"] in found
    for command in found:
        assert command[-1] in complete(call, tmp_path, ["unbolt", *command[:-1], ""]), command
        assert set(options(call, command)) <= set(complete(call, tmp_path, ["unbolt", *command, "--"])), command
    assert "--lang" not in complete(call, tmp_path, ["unbolt", "keys", "new", "--"])
    assert complete(call, tmp_path, ["unbolt", "keys", "list", "-o", "j"]) == ["json"]
    assert complete(call, tmp_path, ["unbolt", "keys", "new", "app"]) == ["FILES"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_name_every_command_and_option(call, shell):
    text = call("completions", shell).out
    for command in all_commands(call):
        assert re.search(rf"^ *{command[-1]}\)$|-a {command[-1]} ", text, re.MULTILINE), command
        for option in options(call, command):
            assert (f"'*{option}[" if shell == "zsh" else f" -l {option[2:]} ") in text or option == "--help", (command, option)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_whole(call, tmp_path, shell):
    text = call("completions", shell).out
    for command in commands(call):
        assert re.search(rf"\b{command}\b", text), command
    assert "Put another provider or another revision into service" in text or shell == "bash"
    # Those shells that are here read it.
    (tmp_path / "script").write_text(text)
    if shutil.which(shell):
        subprocess.run([shell, "-n", tmp_path / "script"], check=True, timeout=30)


def test_an_unknown_shell_is_refused(call):
    assert call("completions", "tcsh").status == 2
    assert call("completions").status == 2


def test_the_man_page_has_every_command_and_option(call, tmp_path):
    text = call("man").out
    for command in all_commands(call):
        # Behind its name come its arguments, or the names of those below it.
        begins = re.search(rf'^\.SS "unbolt {" ".join(command)}(?:"| [^a-z]| [a-z]+\|)', text, re.MULTILINE)
        assert begins, command
        section = text[begins.end() :].split(".SS ")[0]
        for option in options(call, command):
            assert option.replace("-", "\\-") in section, (command, option)
    assert "HOST::GUEST[:ro]" in text
    if shutil.which("groff"):
        shown = subprocess.run(
            ["groff", "-man", "-Tascii", "-ww"], input=text, capture_output=True, text=True, timeout=60, check=True
        )
        assert shown.stderr == ""
        assert "EXIT STATUS" in re.sub(r".\x08|\x1b\[\d+m", "", shown.stdout)
