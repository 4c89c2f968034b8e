#!/usr/bin/env python3
"""Prints the table of `make bench` from the figures in a folder: bench/report.py build/bench

Each row: our figure, the peer's or the limit, ours over it, the budget of the design, and whether it is met. The figures
are medians; the scatter is (most - least) / median of ours, in percent: where it is large, the machine was not quiet.
"""

import json
import pathlib
import sys


def read(folder):
    figures = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            figure = json.loads(line)
            figures[figure["figure"]] = figure
    return figures


# (title, ours, beside, what that is, budget, how it is met: value and ratio given)
# A budget is a text for the reader and a function of (our value, ratio); None: there is none.
def most(limit):
    return lambda value, ratio: value <= limit


def ratio_most(limit):
    return lambda value, ratio: None if ratio is None else ratio <= limit


def more_by(limit):
    return lambda value, ratio: None if ratio is None else value - value / ratio <= limit


def ratio_below_one(value, ratio):
    return None if ratio is None else ratio < 1


def http(name):
    return f"http.{name}.16.cpu"


def beside(figure):
    """The peers of a host call."""
    return [("  beside wasmtime's Rust Linker::func_wrap", f"abi.{figure}", f"abi.{figure}.typed", "func_wrap", "less", ratio_below_one),
            ("  beside its component C API", f"abi.{figure}", f"abi.{figure}.capi", "C API", "less", ratio_below_one),
            ("  the core module by hand, C++", f"abi.{figure}", f"abi.{figure}.floor", "raw callback", None, None),
            ("  the core module by hand, Rust", f"abi.{figure}", f"abi.{figure}.core", "core func_wrap", None, None)]


def host_call(title, figure, budget, test):
    return [(title, f"abi.{figure}", None, None, budget, test), *beside(figure)]


def grown(what, kind, sizes):
    """A component that grows: each size beside the one before; what it costs is to grow no faster than it does."""
    rows = []
    for i, size in enumerate(sizes):
        factor = size / sizes[i - 1] if i else None
        rows.append((f"{size:,} {what}", f"load.{kind}.{size}", f"load.{kind}.{sizes[i - 1]}" if i else None,
                     f"{sizes[i - 1]:,}" if i else None, f"linear: {factor:.0f} x" if i else None,
                     ratio_most(factor * 1.5) if i else None))
    return rows


def settings(language, component):
    """The same request under each setting of the pool, beside the default."""
    default = f"instance.{component}.scan-keep-4"
    rows = [(f"A request in a fresh instance of {language} hello, without the network", None),
            ("the default: pagemap_scan, keep 4 MiB", default, f"instance.{component}.reused", "reused", None, None)]
    for title, name in (("scan, keep 32 MiB", "scan-keep-32"), ("scan, keep 1 MiB", "scan-keep-1"),
                        ("scan, keep nothing", "scan-keep-0"), ("no scan, keep 32 MiB", "keep-32"),
                        ("no scan, keep 4 MiB", "keep-4"), ("no scan, keep 1 MiB", "keep-1"),
                        ("no scan, keep nothing", "keep-0"), ("no pool", "no-pool")):
        rows.append((title, f"instance.{component}.{name}", default, "default", None, None))
    return rows


ROWS = [
    ("A guest calls the host", None),
    *host_call("scalar", "scalar", "<= 25 ns", most(25)),
    *host_call("string of 16 bytes, returned", "text", "<= 60 ns", most(60)),
    *host_call("record of eight fields, there and back", "record", "<= 60 ns", most(60)),
    *host_call("own resource, made and dropped", "resource", "<= 40 ns", most(40)),
    ("list<u8> of 64 KiB, there and back", "abi.bytes", "abi.memcpy", "2 x memcpy", ">= 0.8 x memcpy", ratio_most(1.25)),
    *beside("bytes"),
    ("A component calls another of the same file", None),
    ("u32, there and back", "abi.pass.number", "abi.pass.number.typed", "wasmtime, fused", None, None),
    ("string of 32 bytes", "abi.pass.string", "abi.pass.string.typed", "wasmtime, fused", "<= 100 ns", most(100)),
    ("A component calls another, which has a store of its own", None),
    ("u32, there and back; reused", "link.reused.number", "abi.pass.number", "one store", None, None),
    ("  fresh for each call", "link.fresh.number", "abi.pass.number", "one store", None, None),
    ("string of 32 bytes; reused", "link.reused.string", "abi.pass.string", "one store", None, None),
    ("  fresh for each call", "link.fresh.string", "abi.pass.string", "one store", None, None),
    ("A call of a contract, there and back", None),
    ("met by a plug-in", "plugin.plugged", "plugin.built_in", "built in", "<= 5 ns more", more_by(5)),
    ("on a bucket that a signed grant is about", "claims.call.granted", "claims.call.free", "no claims", "<= 10 ns more", more_by(10)),
    ("Verifying a sealed file of 64 KiB, with a chain of three", None),
    ("two digests, two signatures", "claims.verify.64k", None, None, "<= 300 us", most(300)),
    ("An instance with its store, made and dropped", None),
    *[(title, f"start.{name}", f"start.{name}.pre", "InstancePre", "<= InstancePre", ratio_most(1.03))
      for title, name in (("C", "c-hello"), ("Rust", "rust-hello"), ("Rust with the adapter", "rust-cli"),
                          ("JavaScript", "js-feed"), ("Python, 14 core modules", "py-report"))],
    ("Loading, compiled code from the cache; without hashes and validation", None),
    ("Python, 19 MB", "load.py-report", None, None, "<= 20 ms", most(20)),
    ("  its hashes", "load.py-report.hash", None, None, None, None),
    ("JavaScript, 13 MB", "load.js-feed", None, None, "<= 20 ms", most(20)),
    ("Go, 6.4 MB", "load.go-orders", None, None, "<= 20 ms", most(20)),
    *grown("MiB of data", "data", (1, 5, 20, 80)),
    *grown("functions", "funcs", (300, 3_000, 30_000)),
    *grown("core instances", "instances", (10, 100, 1_000)),
    *settings("C", "c-hello"),
    *settings("Rust", "rust-hello"),
    ("Live instances of C hello that have served and wait", None),
    ("resident memory of each of 1,000", "density.1000", None, None, "<= 64 KiB", most(64)),
    ("  and page tables", "density.1000.page-tables", None, None, None, None),
    ("resident memory of each of 10,000", "density.10000", None, None, "<= 64 KiB", most(64)),
    ("  and page tables", "density.10000.page-tables", None, None, None, None),
    ("  the process", "density.10000.process", None, None, None, None),
    ("  mappings", "density.10000.mappings", None, None, "<= 65,530", most(65_530)),
    ("Hello over HTTP: CPU a request, 16 connections", None),
    ("native (the limit)", http("native"), None, None, None, None),
    ("C, fresh", http("c.fresh"), http("native"), "native", "<= 2 x native", ratio_most(2)),
    ("  beside wasmtime serve", http("c.fresh"), http("peer.c.fresh"), "its default", "less", ratio_below_one),
    ("  beside wasmtime serve", http("c.fresh"), http("peer.c.tuned"), "tuned", "less", ratio_below_one),
    ("Rust, fresh", http("rust.fresh"), http("native"), "native", "<= 2.4 x native", ratio_most(2.4)),
    ("  beside wasmtime serve", http("rust.fresh"), http("peer.rust.fresh"), "its default", "less", ratio_below_one),
    ("  beside wasmtime serve", http("rust.fresh"), http("peer.rust.tuned"), "tuned", "less", ratio_below_one),
    ("C, reused:1000", http("c.reused"), http("native"), "native", "<= 1.4 x native", ratio_most(1.4)),
    ("  beside wasmtime serve", http("c.reused"), http("peer.c.reused"), "reuse 1000", "less", ratio_below_one),
    ("Rust, reused:1000", http("rust.reused"), http("native"), "native", None, None),
    ("  beside wasmtime serve", http("rust.reused"), http("peer.rust.reused"), "reuse 1000", "less", ratio_below_one),
    ("A host of 1,000 components, each with a digest, a route and a link of its own", None),
    ("CPU of a request to a random one", "many.1000.cpu", "many.1.cpu", "a host of one", "<= 1.5 x one", ratio_most(1.5)),
    ("memory of each that is idle", "many.idle", None, None, "<= 64 KiB", most(64)),
    ("start, compiled code cached", "many.1000.start", "many.1.start", "a host of one", "seconds", None),
    ("A guest copies 1 GB with a buffer of 64 KiB, in the page cache", None),
    ("wasi:io streams, a command", "files.streams", "files.native", "dd", "<= 1 / 0.7", ratio_most(1 / 0.7)),
    ("the C library over preview1", "files.preview1", "files.native", "dd", "<= 1 / 0.7", ratio_most(1 / 0.7)),
    ("wasi:io streams, behind a server", "files.threads", "files.native", "dd", None, None),
    ("Outgoing HTTP, one request after the other", None),
    ("a request", "fetch.guest", "fetch.native", "native client", "<= 1 / 0.7", ratio_most(1 / 0.7)),
    ("TCP echo: a message, there and back", None),
    ("1 connection, 64 B", "echo.1x64.guest", "echo.1x64.native", "native Asio", "<= 1 / 0.6", ratio_most(1 / 0.6)),
    ("  its CPU time", "echo.1x64.guest.cpu", "echo.1x64.native.cpu", "native Asio", None, None),
    ("1 connection, 64 KiB", "echo.1x64k.guest", "echo.1x64k.native", "native Asio", "<= 1 / 0.6", ratio_most(1 / 0.6)),
    ("  its CPU time", "echo.1x64k.guest.cpu", "echo.1x64k.native.cpu", "native Asio", None, None),
    ("16 connections, 64 B", "echo.16x64.guest", "echo.16x64.native", "native Asio", "<= 1 / 0.6", ratio_most(1 / 0.6)),
    ("  its CPU time", "echo.16x64.guest.cpu", "echo.16x64.native.cpu", "native Asio", None, None),
    ("16 connections, 16 KiB", "echo.16x16k.guest", "echo.16x16k.native", "native Asio", "<= 1 / 0.6", ratio_most(1 / 0.6)),
    ("  its CPU time", "echo.16x16k.guest.cpu", "echo.16x16k.native.cpu", "native Asio", None, None),
    ("SQL on PostgreSQL: time a statement, all connections busy", None),
    ("1 connection, a row by its key", "sql.query.1.guest", "sql.query.1.native", "pgbench", "<= 1 / 0.8", ratio_most(1 / 0.8)),
    ("8 connections, a row by its key", "sql.query.8.guest", "sql.query.8.native", "pgbench", "<= 1 / 0.8", ratio_most(1 / 0.8)),
    ("8 connections, BEGIN, UPDATE, COMMIT", "sql.transfer.8.guest", "sql.transfer.8.native", "pgbench", "<= 1 / 0.8",
     ratio_most(1 / 0.8)),
    ("10,000 guests that wait, half for a timer, half for a connection", None),
    ("CPU of the program", "parked.10000.cpu", "parked.none.cpu", "idle", "<= 1 % of a core", most(1)),
    ("resident memory of each", "parked.10000.memory", None, None, None, None),
    ("Start of the program to its first response, compiled code cached", None),
    ("native server", "start.native", None, None, None, None),
    ("C hello", "start.c.fresh", "start.peer.c.fresh", "wasmtime serve", "<= 8 ms", most(8)),
    ("Rust hello", "start.rust.fresh", "start.peer.rust.fresh", "wasmtime serve", "<= 8 ms", most(8)),
    ("Resident memory after serving hello", None),
    ("C, fresh", "memory.c.fresh", "memory.peer.c.fresh", "wasmtime serve", "<= 20 MB", most(20e6 / 2**20)),
    ("C, reused:1000", "memory.c.reused", "memory.peer.c.reused", "reuse 1000", "<= 20 MB", most(20e6 / 2**20)),
    ("Rust, fresh", "memory.rust.fresh", "memory.peer.rust.fresh", "wasmtime serve", "<= 20 MB", most(20e6 / 2**20)),
]

SERVERS = ["native", "c.fresh", "peer.c.fresh", "peer.c.tuned", "c.reused", "peer.c.reused", "rust.fresh",
           "peer.rust.fresh", "peer.rust.tuned", "rust.reused", "peer.rust.reused"]


def show(figure):
    value = figure["median"]
    text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 100 else f"{value:.0f}"
    return f"{text} {figure['unit']}".strip()


def print_rows(figures):
    print(f"{'figure':44} {'ours':>10} {'+-%':>4}  {'peer or limit':>26} {'ratio':>6}  {'budget':16} met")
    missed, heading = 0, None
    for row in ROWS:
        if row[1] is None:
            heading = row[0]
            continue
        title, ours, beside, beside_name, budget, test = row
        if ours not in figures:
            continue
        if heading:
            print(f"\n{heading}")
            heading = None
        mine, other = figures[ours], figures.get(beside)
        if beside and not other and budget in (None, "less", "<= InstancePre"):
            continue
        scatter = (mine["most"] - mine["least"]) / mine["median"] / 2 * 100 if mine["median"] else 0
        ratio = mine["median"] / other["median"] if other else None
        met = test(mine["median"], ratio) if test else None
        missed += met is False
        peer = f"{beside_name} {show(other)}" if other else ""
        print(f"  {title:42} {show(mine):>10} {scatter:4.0f}  {peer:>26} {f'{ratio:.2f}' if ratio else '':>6}  "
              f"{budget or '':16} {'' if met is None else 'yes' if met else 'NO'}")
    return missed


def print_servers(figures):
    if http("native") not in figures:
        return
    print(f"\n{'Hello over HTTP, one core':20}" + "".join(f"{f'{c} connections':>38}" for c in (1, 16, 64)))
    print(" " * 20 + f"{'req/s':>11}{'cpu us':>9}{'p50 us':>9}{'p99 us':>9}" * 3)
    for server in SERVERS:
        if f"http.{server}.1.rate" not in figures:
            continue
        line = f"  {server:18}"
        for connections in (1, 16, 64):
            rate, cpu, p50, p99 = (figures[f"http.{server}.{connections}.{what}"]["median"]
                                   for what in ("rate", "cpu", "p50", "p99"))
            line += f"{rate:11,.0f}{cpu:9.1f}{p50:9,.0f}{p99:9,.0f}"
        print(line)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: bench/report.py FOLDER")
    folder = pathlib.Path(sys.argv[1])
    figures = read(folder)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    missed = print_rows(figures)
    print_servers(figures)
    print(f"\n{missed} budgets missed (bench/README.md says why)" if missed else "\nall budgets met")


if __name__ == "__main__":
    main()
