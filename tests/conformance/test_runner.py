"""The runner of .wast files on scripts whose outcomes are known (`self/`)."""

import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent


def run(*options, expectations=""):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(expectations)
        file.flush()
        return subprocess.run([HERE / "run.sh", HERE / "self", "--expectations", file.name, *options],
                              capture_output=True, text=True, timeout=240, check=False)


def counts(done):
    return tuple(map(int, re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped",
                                       done.stdout.splitlines()[-1]).groups()))


def test_every_command_that_holds_passes():
    done = run("--only", "right")
    assert counts(done) == (19, 0, 0), done.stdout + done.stderr
    assert done.returncode == 0


def test_every_command_that_does_not_hold_fails():
    done = run("--only", "wrong")
    assert counts(done) == (1, 12, 0), done.stdout + done.stderr
    assert done.returncode == 1
    lines = [int(line) for line in re.findall(r"failed: wrong.wast:(\d+):", done.stdout)]
    assert lines == list(range(10, 22))


def test_a_skip_needs_a_reason_and_a_use():
    done = run("--only", "wrong", expectations='[[skip]]\nfiles = ["wrong.wast"]\n')
    assert done.returncode == 1 and "without a reason" in done.stderr
    done = run(expectations='[[skip]]\nfiles = ["right.wast"]\nwhy = "not needed"\n'
                            '[[skip]]\nfiles = ["wrong.wast"]\nwhy = "wrong on purpose"\n')
    assert counts(done)[1:] == (1, 12), done.stdout + done.stderr
    assert "nothing needs this entry" in done.stdout and "skipped 12: wrong on purpose" in done.stdout


def test_what_our_own_scripts_say_holds():
    for name in ("memory64", "error-context"):
        done = run("--only", name)
        assert counts(done)[1:] == (0, 0), done.stdout + done.stderr


def test_other_words_are_named():
    done = run("--only", "wrong", expectations='[[wording]]\nfiles = ["wrong.wast"]\nlines = [17]\n'
                                               'says = "unknown function 0"\nwhy = "in other words"\n')
    assert counts(done) == (2, 11, 0), done.stdout + done.stderr


def test_a_folder_without_scripts_is_an_error(tmp_path):
    done = subprocess.run([HERE / "run.sh", tmp_path], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 1 and "no .wast file" in done.stderr
