"""Files that cannot run: each is refused before it starts, with what is wrong and where."""

import random

import pytest

import components
from conftest import error_line


@pytest.fixture
def refused(call, tmp_path):
    """Runs a file of these bytes, which must be refused with status 1 by `run`; the error's line."""

    def refuse(content, *arguments):
        path = tmp_path / "bad.wasm"
        path.write_bytes(content)
        finished = call("run", path, *arguments)
        assert finished.status == 1, finished
        assert "listening on" not in finished.out + finished.err
        line = error_line(finished)
        assert "bad.wasm" in line
        return finished.err

    return refuse


def test_an_empty_file(refused):
    assert "empty" in refused(b"")


def test_text(refused):
    refused(b"#!/bin/sh\necho hello\n")


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes(refused, seed):
    refused(random.Random(seed).randbytes(4096))


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_after_a_preamble(refused, seed):
    refused(components.PREAMBLE + random.Random(seed).randbytes(4096))


@pytest.mark.parametrize("part", [4, 7, 8, 9, 30, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_component(refused, guests, part):
    content = (guests / "c-hello.wasm").read_bytes()
    refused(content[: part if isinstance(part, int) and part > 1 else int(len(content) * part)])


def test_a_component_with_one_byte_wrong(call, guests, tmp_path):
    """Whatever byte it is: either it still runs, or it is refused; the program never dies of it."""
    content = (guests / "c-hello.wasm").read_bytes()
    dice = random.Random(7)
    path = tmp_path / "bad.wasm"
    refusals = 0
    for _ in range(60):
        place = dice.randrange(8, len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ (1 << dice.randrange(8))]) + content[place + 1 :])
        finished = call("inspect", path)
        assert finished.status in (0, 1), finished
        if finished.status == 1:
            refusals += 1
            error_line(finished)
    assert refusals > 0


def test_a_component_that_does_not_validate_is_refused_with_the_offset(refused):
    good = components.command()
    # The section with the lift of core function 1 to type 1; type 9 is none.
    right, wrong = (components.section(8, b"\1\0\0\1\0" + kind) for kind in (b"\1", b"\x09"))
    bad = good.replace(right, wrong)
    assert bad != good
    offset = bad.index(wrong)
    text = refused(bad)
    assert "offset" in text
    shown = [int(word, 16) for word in text.replace(")", " ").replace(",", " ").split() if word.startswith("0x")]
    assert any(offset <= place <= offset + 8 for place in shown), (hex(offset), text)


def test_a_core_module_with_unknown_imports(refused):
    text = refused(components.core_module(imports=[("env", "do_it")]))
    assert "core module" in text
    assert "env" in text


def test_a_component_without_an_entry(refused):
    text = refused(components.EMPTY)
    assert "wasi:http/incoming-handler" in text
    assert "wasi:cli/run" in text


def test_a_module_of_a_later_version(refused):
    refused(b"\0asm\x0e\0\1\0")


def test_an_import_that_nobody_meets_is_named(refused):
    text = refused(components.command(imports={"example:thing/api@1.2.0": {"f": ([], None)}}))
    assert "example:thing/api@1.2.0" in text


def test_an_import_of_a_version_that_is_not_met_is_named_with_the_nearest(refused):
    text = refused(components.command(imports={"wasi:random/random@0.9.0": {"get-random-u64": ([], components.U64)}}))
    assert "wasi:random/random@0.9.0" in text
    assert "wasi:random/random@0.2." in text


def test_every_import_that_is_not_met_is_named(refused):
    wanted = {f"example:thing/part-{i}@1.0.0": {"f": ([], None)} for i in range(3)}
    text = refused(components.command(imports=wanted))
    for interface in wanted:
        assert interface in text


def test_a_function_that_the_interface_does_not_have_is_named(refused):
    text = refused(components.command(imports={"wasi:random/random@0.2.0": {"get-luck": ([], components.U64)}}))
    assert "wasi:random/random@0.2.0" in text
    assert "get-luck" in text


@pytest.mark.parametrize(
    "parameters, result",
    [([], components.STRING), ([("x", components.U32)], components.U64), ([], None)],
    ids=["result", "parameter", "no result"],
)
def test_an_import_of_another_type_is_refused_with_both(refused, parameters, result):
    text = refused(components.command(imports={"wasi:random/random@0.2.0": {"get-random-u64": (parameters, result)}}))
    assert "get-random-u64" in text
    assert "func() -> u64" in text
    theirs = {components.STRING: "-> string", components.U64: "func(x: u32) -> u64", None: "func()"}[result]
    assert theirs in text


@pytest.mark.parametrize("version", ["0.2.0", "0.2.2", "0.2.12"])
def test_an_import_of_any_0_2_is_met(call, tmp_path, version):
    path = tmp_path / "good.wasm"
    path.write_bytes(
        components.command(imports={f"wasi:random/random@{version}": {"get-random-u64": ([], components.U64)}})
    )
    finished = call("run", path)
    assert finished.status == 0, finished


def test_a_database_whose_folder_is_not_there(call, guests, tmp_path):
    place = tmp_path / "no" / "such" / "folder" / "counts.db"
    finished = call("run", guests / "cpp-counter.wasm", "--listen", "127.0.0.1:0", "--link", f"wasi:keyvalue=sqlite:{place}")
    assert finished.status == 1, finished
    assert str(place) in error_line(finished)


def test_a_database_that_is_none(call, guests, tmp_path):
    place = tmp_path / "counts.db"
    place.write_bytes(b"this is no database, but long enough to be looked at " * 100)
    finished = call("run", guests / "cpp-counter.wasm", "--listen", "127.0.0.1:0", "--link", f"wasi:keyvalue=sqlite:{place}")
    assert finished.status == 1, finished
    assert str(place) in error_line(finished)
    assert place.read_bytes().startswith(b"this is no database")


# --- core modules that are no programs


@pytest.mark.parametrize(
    "name, words",
    [
        ("preview0", ["wasi_unstable", "before preview1"]),
        ("library", ["reactor", "_start"]),
        ("no-memory", ["no memory"]),
    ],
)
@pytest.mark.parametrize("verb", [["run"], ["run", "--cgi"], ["inspect"]])
def test_a_module_that_is_no_program_says_why(call, guests, verb, name, words):
    finished = call(*verb, guests / f"core-{name}.wasm")
    assert finished.status == 1, finished
    for word in words:
        assert word in error_line(finished)
