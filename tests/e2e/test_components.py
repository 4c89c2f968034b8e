"""Shapes of components that toolchains make, from tests/guests/wat: those that run, and those that must be refused."""

import pytest

from conftest import error_line


@pytest.mark.parametrize("guest", ["nested", "nested-import", "multi-memory", "newer-patch", "core-preview1"])
def test_runs(call, guests, guest):
    finished = call("run", guests / f"{guest}.wasm")
    assert finished.status == 0, finished


@pytest.mark.parametrize(
    "guest, words",
    [
        ("empty", ["wasi:http/incoming-handler", "wasi:cli/run"]),
        ("no-entry", ["wasi:http/incoming-handler", "wasi:cli/run"]),
        ("core-reactor", ["core module", "env"]),
        ("unknown-import", ["unknown:thing/iface@1.2.3"]),
        ("root-import", ["poke"]),
        ("wrong-type", ["increment", "wasi:keyvalue/atomics@0.2.0-draft", "func(key: string, delta: u64)", "bucket"]),
        ("wrong-case", ["wasi:logging/logging@0.1.0-draft", "notice", "info"]),
        ("newer-patch-missing", ["wasi:clocks/monotonic-clock@0.2.99", "tomorrow"]),
        ("huge-memory", ["memory"]),
        ("huge-table", ["table"]),
        ("async-export", ["async"]),
    ],
)
def test_is_refused_by_name(call, guests, guest, words):
    finished = call("run", guests / f"{guest}.wasm")
    assert finished.status == 1, finished
    assert error_line(finished)
    for word in words:
        assert word in finished.err, (word, finished)


def test_a_start_function_that_traps(call, guests):
    finished = call("run", guests / "start-trap-core.wasm")
    assert finished.status == 1, finished
    assert "unreachable" in finished.err


def test_a_start_function_that_loops(call, guests):
    finished = call("run", guests / "start-loop-core.wasm", "--timeout", "1", seconds=15)
    assert finished.status == 1, finished
    assert error_line(finished)


@pytest.mark.parametrize("guest", ["nested", "multi-memory", "unknown-import", "wrong-type", "empty"])
def test_inspect_shows_what_it_cannot_run(call, guests, guest):
    finished = call("inspect", guests / f"{guest}.wasm")
    assert finished.status == 0, finished
    assert finished.out
