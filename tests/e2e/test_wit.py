"""WIT as text, bindings for guests, and components of core modules: `unbolt wit`, `bindgen` and `componentize`."""

import pathlib
import shutil
import subprocess

import pytest

from conftest import error_line

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_wit_of_a_component_is_what_bindings_can_be_made_of(call, guests, tmp_path):
    finished = call("wit", guests / "cpp-counter.wasm")
    assert finished.status == 0, finished
    assert finished.out.startswith("package root:component;")
    assert "import wasi:keyvalue/atomics@0.2.0-draft;" in finished.out
    assert "export wasi:http/incoming-handler@0.2.12;" in finished.out
    assert "increment: func(bucket: borrow<bucket>, key: string, delta: u64)" in finished.out
    (tmp_path / "again.wit").write_text(finished.out)
    assert call("bindgen", "c", tmp_path / "again.wit", "--out", tmp_path / "out").status == 0
    assert "wasi_keyvalue_atomics_increment" in (tmp_path / "out" / "root.h").read_text()


@pytest.mark.parametrize(
    "contents, why", [(b"", "no WebAssembly file"), (b"text", "no WebAssembly file"), (b"\0asm\1\0\0\0", "a core module")]
)
def test_what_is_no_component_has_no_wit(call, tmp_path, contents, why):
    (tmp_path / "file").write_bytes(contents)
    finished = call("wit", tmp_path / "file")
    assert finished.status == 1
    assert why in error_line(finished)


def test_a_core_module_becomes_a_component(call, unbolt, tmp_path):
    wit = tmp_path / "wit"
    shutil.copytree(ROOT / "examples" / "c-hello" / "wit", wit)
    shutil.copytree(ROOT / "wit" / "deps", wit / "deps")
    bindings = tmp_path / "bindings"
    assert call("bindgen", "c", wit, "--out", bindings).status == 0
    module = tmp_path / "hello.wasm"
    sources = [ROOT / "examples" / "c-hello" / "hello.c", bindings / "hello.c", bindings / "hello_component_type.o"]
    subprocess.run(
        ["clang-19", "--target=wasm32-wasi", "-Os", "-mexec-model=reactor", f"-I{bindings}", *sources, "-o", module],
        check=True,
        timeout=120,
    )
    finished = call("componentize", module, "-o", tmp_path / "component.wasm")
    assert finished.status == 0, finished
    assert "every import is met" in call("inspect", tmp_path / "component.wasm").out
    # In its place, and what is a component stays what it is.
    assert call("componentize", module).status == 0
    assert call("componentize", module).status == 0
    assert module.read_bytes() == (tmp_path / "component.wasm").read_bytes()


def test_bindings_keep_their_time_where_nothing_changed(call, tmp_path):
    (tmp_path / "w.wit").write_text("package a:b;\nworld w { export f: func() -> string; }\n")
    assert call("bindgen", "c", tmp_path / "w.wit", "--out", tmp_path).status == 0
    before = (tmp_path / "w.h").stat().st_mtime_ns
    assert call("bindgen", "c", tmp_path / "w.wit", "--out", tmp_path).status == 0
    assert (tmp_path / "w.h").stat().st_mtime_ns == before


def test_a_mistake_in_wit_is_shown_with_its_place(call, tmp_path):
    (tmp_path / "w.wit").write_text("package a:b;\nworld w { export f: fun() -> string; }\n")
    finished = call("bindgen", "c", tmp_path / "w.wit", "--out", tmp_path)
    assert finished.status == 1
    assert "w.wit:2" in finished.err
