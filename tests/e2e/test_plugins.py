"""Providers that are shared libraries: what they do, how they are swapped, and what is refused; and docs/providers.md."""

import os
import pathlib
import re
import socket
import subprocess
import threading

import pytest

from conftest import error_line, eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "e2e" / "plugins"
MANIFEST = """
name: shop
components:
  front:
    image: {guests}/shop-front.wasm
    limits: {{time: 2s}}
    links:
      wasmcloud:messaging: memory
      shop:pricing: {pricing}
  totals:
    image: {guests}/shop-totals.wasm
    links: {{wasi:keyvalue: memory, wasmcloud:messaging: memory}}
topics:
  - {{subject: orders.placed, to: totals}}
"""


def build(out, source, *flags):
    compiler = ["clang-19", "-std=c99"] if source.suffix == ".c" else ["clang++-19", "-std=c++23"]
    command = [*compiler, "-Wall", "-Wextra", "-shared", "-fPIC", f"-I{ROOT / 'src'}", *flags, source, "-o", out]
    subprocess.run([str(part) for part in command], check=True, timeout=300)
    return out


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return build(tmp_path_factory.mktemp("plugin") / "libpricing.so", SOURCES / "pricing.cc")


@pytest.fixture
def shop(app, guests, plugin):
    app.write(MANIFEST.format(guests=guests, pricing=f"plugin:{plugin}?cents=40"))
    return app


def order(host, text):
    response = host.request("POST", "/orders", text.encode())
    return response.status, response.text


def test_a_plugin_meets_a_contract_that_the_host_has_never_heard_of(shop):
    host = shop.up()
    assert order(host, "apple 3") == (202, "3 apple: 1.20 EUR\n")
    assert order(host, "later 2") == (202, "2 later: 0.80 EUR\n")
    status, text = order(host, "kiwi 1")
    assert status == 422 and "that is not sold here" in text


def test_a_plugin_is_swapped_while_it_serves(shop, plugin):
    host = shop.up()
    seen, closing = [], threading.Event()

    def buy():
        while not closing.is_set():
            seen.append(order(host, "later 1"))

    buyers = [threading.Thread(target=buy, daemon=True) for _ in range(4)]
    for buyer in buyers:
        buyer.start()
    assert eventually(lambda: len(seen) > 10, 20)
    shop.swap("front", f"shop:pricing=plugin:{plugin}?cents=90")
    after = len(seen)
    assert eventually(lambda: len(seen) > after + 20, 20)
    closing.set()
    for buyer in buyers:
        buyer.join(20)
    assert {status for status, _ in seen} == {202}, seen
    assert {text for _, text in seen} == {"1 later: 0.40 EUR\n", "1 later: 0.90 EUR\n"}
    assert eventually(lambda: "closed" in host.log), host.log


def test_a_plugin_that_was_built_anew_is_loaded_anew(shop, plugin, tmp_path):
    host = shop.up()
    path = tmp_path / "libpricing.so"
    path.write_bytes(plugin.read_bytes())
    shop.swap("front", f"shop:pricing=plugin:{path}")
    assert order(host, "apple 1") == (202, "1 apple: 0.40 EUR\n")
    build(path, SOURCES / "raw.c", "-DMODE=1")
    shop.swap("front", f"shop:pricing=plugin:{path}")
    assert order(host, "apple 1") == (202, "1 apple: 0.07 EUR\n")


@pytest.mark.parametrize(
    "item, why",
    [
        ("throw", "the cat sat on the list"),
        ("garbage", "is not UTF-8"),
        ("never", "did not answer in time|deadline|too long"),
        ("given-up", "it was given up"),
    ],
)
def test_what_a_plugin_must_not_answer_fails_the_call_alone(shop, item, why):
    host = shop.up()
    status, _ = order(host, f"{item} 1")
    assert status in (500, 502, 503, 504), status
    assert eventually(lambda: re.search(why, host.log)), host.log
    assert order(host, "apple 1") == (202, "1 apple: 0.40 EUR\n")


@pytest.mark.parametrize("mode, why", [(2, "longer than there may be"), (3, "case 2 of a type that has 2"),
                                       (4, "99, which is no status"), (5, "no ticket")])
def test_what_does_not_fit_the_type(shop, tmp_path, mode, why):
    host = shop.up()
    shop.swap("front", f"shop:pricing=plugin:{build(tmp_path / 'raw.so', SOURCES / 'raw.c', f'-DMODE={mode}')}")
    status, _ = order(host, "apple 1")
    assert status in (500, 502, 503, 504), status
    assert eventually(lambda: why in host.log), host.log


def test_an_answer_that_comes_twice_counts_once(shop, tmp_path):
    host = shop.up()
    shop.swap("front", f"shop:pricing=plugin:{build(tmp_path / 'raw.so', SOURCES / 'raw.c', '-DMODE=1')}")
    assert order(host, "apple 2") == (202, "2 apple: 0.14 EUR\n")
    assert eventually(lambda: "an answer that nobody waits for" in host.log), host.log


@pytest.mark.parametrize(
    "make, why",
    [
        (lambda folder, plugin: build(folder / "v.so", SOURCES / "raw.c", "-DMODE=0"), "version 7"),
        (lambda folder, plugin: build(folder / "m.so", SOURCES / "raw.c", "-DMODE=6"), "unbolt_plugin_entry"),
        (lambda folder, plugin: build(folder / "b.so", SOURCES / "raw.c", "-DMODE=7"), "another signature"),
        (lambda folder, plugin: folder / "missing.so", "No such file"),
        (lambda folder, plugin: folder, "no file"),
        (lambda folder, plugin: ROOT / "README.md", "no shared library"),
        (lambda folder, plugin: f"{plugin}?open=throw", "no price list"),
        (lambda folder, plugin: f"{plugin}?open=crash", "crashed when it was opened"),
        (lambda folder, plugin: f"{plugin}?cents=many", "stoull"),
    ],
    ids=["version", "symbol", "type", "missing", "folder", "text", "throws", "crashes", "option"],
)
def test_a_plugin_that_does_not_fit_is_refused(shop, plugin, tmp_path, make, why):
    host = shop.up()
    link = make(tmp_path, plugin)
    finished = shop.run("swap", "front", f"shop:pricing=plugin:{link}")
    assert finished.status == 1, finished
    assert why in finished.err and pathlib.Path(str(link).split("?")[0]).name in finished.err, finished
    assert order(host, "apple 1") == (202, "1 apple: 0.40 EUR\n")


def test_a_plugin_that_never_opens_is_given_up(shop, plugin):
    host = shop.up()
    finished = shop.run("swap", "front", f"shop:pricing=plugin:{plugin}?open=hang")
    assert finished.status == 1 and "did not end within 10 s" in finished.err, finished
    assert order(host, "apple 1") == (202, "1 apple: 0.40 EUR\n")


def test_an_import_that_nothing_meets_names_what_would(app, call, guests):
    finished = call("run", guests / "unknown-import.wasm")
    assert finished.status == 1
    error_line(finished)
    assert "unknown:thing/iface@1.2.3" in finished.err and "--link unknown:thing/iface=plugin:" in finished.err, finished
    app.write(f"name: a\ncomponents: {{front: {{image: {guests}/shop-front.wasm, links: {{wasmcloud:messaging: memory}}}}}}")
    finished = app.run("up", "--listen", "127.0.0.1:0")
    assert finished.status == 1
    assert "links: {shop:pricing/prices: component:NAME}" in finished.err and "plugin:" in finished.err, finished


def walk(text):
    """The files and commands of a page: (path, text) and (None, commands) in their order."""
    for what, block in re.findall(r"^<!-- (file: \S+|run) -->\n```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield (what.removeprefix("file: ") if what != "run" else None), block


def test_the_path_of_the_docs(unbolt, tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    env = {
        **os.environ,
        "PATH": f"{pathlib.Path(unbolt).parent}:{os.environ['PATH']}",
        "CPATH": str(ROOT / "src"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])

    def run(command):
        return subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=120)

    steps = list(walk((ROOT / "docs" / "providers.md").read_text()))
    assert len(steps) > 12
    try:
        for path, block in steps:
            if path:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(block)
                continue
            for line in block.splitlines():
                command, _, shown = line.replace("8000", port).partition("  # ")
                done = run(command)
                assert done.returncode == 0, (command, done)
                assert shown in done.stdout, (command, shown, done)
    finally:
        run("unbolt stop")
