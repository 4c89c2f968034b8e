"""Completions of shells and the man page: made of the texts of --help, so they name what there is."""

import pathlib
import re
import shutil
import subprocess

import pytest


def commands(call):
    """The commands that --help lists."""
    text = call("--help").out
    return re.findall(r"^  ([a-z]+) ", text[text.index("Subcommands:") :], re.MULTILINE)


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
    for command in commands(call):
        assert f'.SS "unbolt {command}' in text
    for option in re.findall(r"--[a-z-]+", call("run", "--help").out):
        assert option.replace("-", "\\-") in text, option
    assert "HOST::GUEST[:ro]" in text
    if shutil.which("groff"):
        shown = subprocess.run(
            ["groff", "-man", "-Tascii", "-ww"], input=text, capture_output=True, text=True, timeout=60, check=True
        )
        assert shown.stderr == ""
        assert "EXIT STATUS" in re.sub(r".\x08|\x1b\[\d+m", "", shown.stdout)
