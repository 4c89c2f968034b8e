#!/usr/bin/env python3
"""WASI on the operating system, beside programs that do the same without WebAssembly.

    bench/wasi_bench.py BUILD_DIR GUESTS_DIR [--rounds N] [--megabytes N] [--requests N]

Files: a copy of 1 GB with a buffer of 64 KiB, in the page cache: `dd` beside guests that use wasi:io streams, the C
library over preview1, and streams behind a server (where files wait on threads). Outgoing HTTP: requests one after the
other over a reused connection, beside the same client natively. Rounds visit all subjects in turn. Seconds of the wall
clock, as the user waits them; prints one line of JSON a figure.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from http_bench import LOAD_CORE, SERVER_CORE, free_port

BUFFER = 64 * 1024


def timed(argv, core=None):
    pin = ["taskset", "-c", str(core)] if core is not None else []
    began = time.perf_counter()
    done = subprocess.run([*pin, *map(str, argv)], capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"error: {argv}: exit status {done.returncode}: {done.stderr}")
    return took, done.stdout


class Serving:
    """A program that listens, for as long as the `with` lasts."""

    def __init__(self, argv, core=None):
        self.argv, self.core = argv, core

    def __enter__(self):
        pin = ["taskset", "-c", str(self.core)] if self.core is not None else []
        self.process = subprocess.Popen(
            [*pin, *map(str, self.argv)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if "http://" not in line:
            raise SystemExit(f"error: {self.argv} did not start: {line}")
        return line.split("http://")[1].strip()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def copy_subjects(unbolt, guests, folder, size):
    source, target = folder / "from", folder / "to"
    operations = ["open|0|from|read", "open|0|to|create,write", f"copy|1|2|{BUFFER}"]

    def fresh(run):
        target.unlink(missing_ok=True)
        took, said = run()
        if target.stat().st_size != size:
            raise SystemExit(f"error: the copy has {target.stat().st_size} bytes: {said}")
        return took

    def native():
        return timed(["dd", f"if={source}", f"of={target}", f"bs={BUFFER}", "status=none"])

    def streams():
        return timed([unbolt, "run", guests / "files.wasm", "--dir", f"{folder}::/", "--", *operations])

    def preview1():
        return timed([unbolt, "run", guests / "copy-bench.wasm", "--dir", f"{folder}::/", "--", "/from", "/to", BUFFER])

    def threads():
        query = "&".join(urllib.parse.quote(operation, safe="") for operation in operations)
        command = [unbolt, "run", "--cgi", guests / "files.wasm", "--dir", f"{folder}::/", "--listen", "127.0.0.1:0"]
        with Serving(command) as authority:
            began = time.perf_counter()
            with urllib.request.urlopen(f"http://{authority}/?{query}", timeout=60) as response:
                said = response.read().decode()
            return time.perf_counter() - began, said

    return {
        "files.native": lambda: fresh(native),
        "files.streams": lambda: fresh(streams),
        "files.preview1": lambda: fresh(preview1),
        "files.threads": lambda: fresh(threads),
    }


def fetch_subjects(build, guests, authority, count):
    unbolt = build / "bin/unbolt"
    guest = [unbolt, "run", guests / "fetch-bench.wasm", "--allow-host", "127.0.0.1", "--"]

    def per_request(argv):
        # What it costs to start is not asked.
        start, _ = timed([*argv, authority, 1], LOAD_CORE)
        took, _ = timed([*argv, authority, count + 1], LOAD_CORE)
        return (took - start) / count * 1e6

    return {
        "fetch.native": lambda: per_request([build / "bin/native_fetch"]),
        "fetch.guest": lambda: per_request(guest),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--only", default="", help="only subjects whose name has this in it")
    options = parser.parse_args()
    build, guests = options.build.resolve(), options.guests.resolve()
    figures = {}

    def rounds(subjects, unit):
        chosen = {name: run for name, run in subjects.items() if options.only in name}
        for i in range(options.rounds + 1):
            for name, run in chosen.items():
                value = run()
                if i > 0:  # the first fills the caches
                    figures.setdefault((name, unit), []).append(value)

    with tempfile.TemporaryDirectory(prefix="unbolt-bench-") as name:
        folder = pathlib.Path(name)
        if "files".startswith(options.only) or options.only.startswith("files"):
            size = options.megabytes * 1_000_000
            block = os.urandom(1_000_000)
            with open(folder / "from", "wb") as file:
                for _ in range(options.megabytes):
                    file.write(block)
            rounds(copy_subjects(build / "bin/unbolt", guests, folder, size), "s")
    if "fetch".startswith(options.only) or options.only.startswith("fetch"):
        with Serving([build / "bin/native_hello", f"127.0.0.1:{free_port()}"], SERVER_CORE) as authority:
            rounds(fetch_subjects(build, guests, authority, options.requests), "us")
    for (name, unit), values in figures.items():
        print(json.dumps({"figure": name, "unit": unit, "median": statistics.median(values), "least": min(values),
                          "most": max(values)}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
