"""The command line: flags, exit status, errors, `inspect`, and components that run once."""

import json
import os
import re
import signal
import socket
import subprocess

import pytest

import components
from conftest import error_line


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["run"],
        ["run", "FILE", "--no-such-flag"],
        ["run", "FILE", "--listen"],
        ["run", "FILE", "--listen", "nowhere"],
        ["run", "FILE", "--listen", "127.0.0.1:99999"],
        ["run", "FILE", "--isolation", "sometimes"],
        ["run", "FILE", "--isolation", "reused:0"],
        ["run", "FILE", "--isolation", "reused:many"],
        ["run", "FILE", "--threads", "0"],
        ["run", "FILE", "--threads", "x"],
        ["run", "FILE", "--timeout", "-1"],
        ["run", "FILE", "--max-memory", "0"],
        ["run", "FILE", "--link", "wasi:keyvalue"],
        ["run", "FILE", "--link", "=memory:"],
        ["run", "FILE", "--link", "no:such-contract=memory:"],
        ["run", "FILE", "--link", "wasi:keyvalue=nowhere://x"],
        ["run", "FILE", "--env", "NO_EQUALS_SIGN"],
        ["run", "FILE", "--config", "no-equals-sign"],
        ["run", "FILE", "--grant", "everything please"],
        ["run", "FILE", "--allow-host", ""],
        ["inspect"],
        ["inspect", "FILE", "-o", "xml"],
    ],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_a_wrong_command_line_is_status_2(call, guests, arguments):
    finished = call(*[guests / "c-hello.wasm" if a == "FILE" else a for a in arguments])
    assert finished.status == 2, finished
    assert error_line(finished)
    assert finished.out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["inspect", "--help"]])
def test_help_is_status_0_on_standard_output(call, arguments):
    finished = call(*arguments)
    assert finished.status == 0
    assert "inspect" in finished.out if arguments == ["--help"] else "FILE" in finished.out
    assert finished.err == ""


def test_help_names_every_option_of_run(call):
    out = call("run", "--help").out
    for option in "listen link config env allow-host grant isolation threads timeout max-memory".split():
        assert f"--{option}" in out


def test_version(call):
    finished = call("--version")
    assert finished.status == 0
    assert re.search(r"\d+\.\d+\.\d+", finished.out)


@pytest.mark.parametrize("verb", ["run", "inspect"])
def test_a_missing_file_is_status_1_and_named(call, tmp_path, verb):
    finished = call(verb, tmp_path / "nothing.wasm")
    assert finished.status == 1, finished
    assert "nothing.wasm" in error_line(finished)


@pytest.mark.parametrize("verb", ["run", "inspect"])
def test_a_folder_is_no_file(call, tmp_path, verb):
    finished = call(verb, tmp_path)
    assert finished.status == 1, finished
    assert error_line(finished)


def test_a_port_in_use_is_status_1_and_named(call, guests):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        finished = call("run", guests / "c-hello.wasm", "--listen", f"127.0.0.1:{port}")
    assert finished.status == 1, finished
    assert str(port) in error_line(finished)
    assert "held by" in error_line(finished) or "in use" in error_line(finished)
    assert "listening on" not in finished.out + finished.err


def test_an_address_that_is_not_ours_is_named(call, guests):
    finished = call("run", guests / "c-hello.wasm", "--listen", "192.0.2.1:8080")
    assert finished.status in (1, 2), finished
    assert "192.0.2.1" in error_line(finished)


# --- commands: components that export wasi:cli/run


@pytest.fixture
def write(tmp_path):
    def write(content, name="component.wasm"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("version", ["0.2.0", "0.2.3", "0.2.12"])
def test_a_command_that_returns_ok_is_status_0(call, write, version):
    finished = call("run", write(components.command(version=version)))
    assert finished.status == 0, finished
    assert "error" not in finished.err


def test_a_command_that_returns_an_error_is_status_1(call, write):
    finished = call("run", write(components.command(components.RETURN_1)))
    assert finished.status == 1, finished


def test_a_command_that_traps_is_status_1_with_the_reason(call, write):
    finished = call("run", write(components.command(components.TRAP)))
    assert finished.status == 1, finished
    assert "unreachable" in finished.err


@pytest.mark.parametrize("where", ["run", "start"])
def test_a_command_that_loops_ends_at_its_deadline(call, write, where):
    loop = {"run": components.LOOP} if where == "run" else {"start": components.LOOP}
    finished = call("run", write(components.command(**loop)), "--timeout", "1", seconds=15)
    assert finished.status == 1, finished
    assert re.search(r"deadline|timeout|timed out|too long", finished.err), finished


def test_an_export_of_a_later_line_is_no_entry(call, write):
    finished = call("run", write(components.command(version="0.3.0")))
    assert finished.status == 1, finished
    assert "wasi:cli/run" in error_line(finished)


def test_arguments_and_streams_reach_a_command(call, guests):
    finished = call("run", guests / "rust-cli.wasm", "--", "one", "--two", "", stdin=b"from outside\nand more\n")
    assert finished.status == 0, finished
    assert "argument 1: one\nargument 2: --two\nargument 3: \n" in finished.out
    assert "read 22 bytes in 2 lines\n" in finished.out


def test_a_command_reads_all_of_a_long_input(call, guests):
    finished = call("run", guests / "rust-cli.wasm", stdin=b"0123456789abcde\n" * 500_000)
    assert "read 8000000 bytes in 500000 lines\n" in finished.out, finished


def test_a_command_sees_only_the_environment_it_was_given(call, guests):
    finished = call("run", guests / "rust-cli.wasm", "--env", "GIVEN=yes", env={"SECRET_OF_THE_HOST": "x"})
    assert finished.status == 0, finished
    assert [line for line in finished.out.splitlines() if line.startswith("variable ")] == ["variable GIVEN=yes"]


@pytest.mark.parametrize("status", [0, 1, 3, 127, 255])
def test_a_command_chooses_its_status(call, guests, status):
    # A component that was made of a preview1 module, and a module of which the host makes one.
    assert call("run", guests / "rust-cli.wasm", "--", "--exit", status).status == status
    assert call("run", guests / "console.wasm", "--", "exit", status).status == status


def test_a_module_has_its_memory_for_itself(call, guests):
    """The adapter's pages lie behind all that the program may take or add, which is --max-memory without them."""
    finished = call("run", guests / "core-greedy.wasm", "--max-memory", "16")
    assert finished.out == "ok\nok\nok\nok\n", finished
    assert finished.status == (256 - 4) // 8, finished


def test_what_a_command_says_on_standard_error_stays_there(call, guests):
    finished = call("run", guests / "rust-cli.wasm", "--", "--exit", "x")
    assert finished.status != 0
    assert "error: --exit" in finished.err and "error: --exit" not in finished.out


# --- inspect


def test_inspect_lists_imports_exports_and_what_is_met(call, guests):
    finished = call("inspect", guests / "cpp-counter.wasm")
    assert finished.status == 0, finished
    for text in ["wasi:http/incoming-handler@0.2", "wasi:keyvalue/store@0.2.0-draft", "increment", "open"]:
        assert text in finished.out
    assert re.search(r"signature|signed", finished.out)


def test_inspect_as_json(call, guests):
    path = guests / "cpp-counter.wasm"
    finished = call("inspect", path, "-o", "json")
    assert finished.status == 0, finished
    facts = json.loads(finished.out)
    assert facts["size"] == path.stat().st_size
    imports = {item["name"]: item for item in facts["imports"]}
    assert imports["wasi:keyvalue/store@0.2.0-draft"]["met"] is True
    assert any(item["name"].startswith("wasi:http/incoming-handler@") for item in facts["exports"])


@pytest.mark.parametrize("used", [True, False])
def test_inspect_says_which_import_is_not_met(call, write, used):
    wanted = {"example:thing/api@1.2.0": {"f": ([("x", components.U32)], components.U64)}}
    path = write(components.command(imports=wanted, lower=used))
    finished = call("inspect", path)
    assert finished.status == 0, finished
    line = next(line for line in finished.out.splitlines() if "example:thing/api@1.2.0" in line)
    assert re.search(r"not met|unmet|missing|no ", finished.out), finished
    assert line
    facts = json.loads(call("inspect", path, "-o", "json").out)
    assert [item["met"] for item in facts["imports"]] == [False]


def test_inspect_before_a_reader_that_leaves(unbolt, guests):
    ours, theirs = os.pipe()
    os.close(ours)
    finished = subprocess.run(
        [unbolt, "inspect", guests / "cpp-counter.wasm"], stdout=theirs, stderr=subprocess.PIPE, timeout=30
    )
    os.close(theirs)
    assert (finished.returncode, finished.stderr) == (-signal.SIGPIPE, b"")


def test_inspect_runs_nothing(call, write):
    finished = call("inspect", write(components.command(start=components.LOOP)), seconds=10)
    assert finished.status == 0, finished
