#!/usr/bin/env python3
"""Many components in one host: CPU of a request beside a host with one, memory of each that is idle, and the start.

    bench/many_bench.py BUILD_DIR GUESTS_DIR [--count N] [--rounds N] [--seconds S]

Each component is the guest `cpp-counter` under a digest of its own, with a route and a link of its own; requests go to a random one
of them. Server and load as in http_bench.py. Prints one line of JSON a figure.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

import http_bench


def section(text):
    """A custom section: the same component with another digest."""
    name = text.encode()
    assert len(name) < 100
    return bytes([0, len(name) + 1, len(name)]) + name


def application(folder, component, count):
    folder.mkdir()
    lines = ["name: many", "components:"]
    for i in range(count):
        (folder / f"{i}.wasm").write_bytes(component + section(f"number {i}"))
        lines.append(f"  c{i}: {{image: ./{i}.wasm, links: {{'wasi:keyvalue': 'memory:'}}}}")
    lines.append("routes:")
    lines += [f"  - {{path: /c{i}, to: c{i}}}" for i in range(count)]
    lines.append("  - {path: /, to: c0}")
    (folder / "unbolt.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    # wrk asks for a random one.
    (folder / "load.lua").write_text(
        f"request = function() return wrk.format(nil, '/c' .. math.random(0, {count - 1})) end\n", encoding="utf-8")
    return folder


class Application(http_bench.Server):
    answer_has = b"visit"

    def __init__(self, build, folder, count):
        super().__init__(str(count), [str(build / "bin/unbolt"), "up", str(folder), "--reset", "--threads", "1",
                                      "--listen", "127.0.0.1:PORT"])
        self.folder, self.count = folder, count

    def load(self, seconds):
        """CPU of a request."""
        before = self.cpu_us()
        done = subprocess.run(
            ["taskset", "-c", str(http_bench.LOAD_CORE), "wrk", "-t1", "-c16", f"-d{seconds}s", "-s", self.folder / "load.lua",
             f"http://127.0.0.1:{self.port}/"], capture_output=True, text=True, check=True, env=self.load_env,
            timeout=seconds + 20).stdout
        used = self.cpu_us() - before
        if "Non-2xx" in done or "Socket errors" in done:
            raise SystemExit(f"error: {self.name} failed under load:\n{done}")
        return used / int(http_bench.re.search(r"(\d+) requests in", done).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    if os.cpu_count() < 2:
        http_bench.LOAD_CORE = 0
    http_bench.Server.load_env["LD_PRELOAD"] = str((options.build / "bin/libbench_awake.so").resolve())

    component = (options.guests / "cpp-counter.wasm").read_bytes()
    figures = {}

    def note(name, value, unit):
        figures.setdefault((name, unit), []).append(value)

    with tempfile.TemporaryDirectory(prefix="unbolt-many-") as parent:
        counts = (1, options.count)
        applications = {n: Application(options.build, application(pathlib.Path(parent) / str(n), component, n), n)
                        for n in counts}
        for one in applications.values():  # the compiled code is in the cache from here on
            one.start()
            one.stop()
        for _ in range(options.rounds):
            idle = {}
            for count, one in applications.items():
                note(f"many.{count}.start", one.start(), "s")
                idle[count] = one.resident_mib()
                one.load(1)  # warm
                note(f"many.{count}.cpu", one.load(options.seconds), "us")
                one.stop()
            note("many.idle", (idle[options.count] - idle[1]) * 1024 / (options.count - 1), "KiB")
    for (name, unit), values in figures.items():
        print(json.dumps({"figure": name, "unit": unit, "median": statistics.median(values), "least": min(values),
                          "most": max(values)}))


if __name__ == "__main__":
    main()
