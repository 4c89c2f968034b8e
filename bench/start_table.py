#!/usr/bin/env python3
"""How long the examples take to start: prints a row for each, as in examples/README.md.

    bench/start_table.py [--program build/unbolt] [--guests build/guests] [--rounds N] [NAME...]

Size of the file; from the start of the program to its first answer, with an empty cache, the least of three; the same with
what the first start compiled, the median of N. Each start serves one request on a new connection: `GET /`, whatever it
answers.
"""

import argparse
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time

EXAMPLES = ["c-hello", "cpp-counter", "rust-hello", "rust-echo", "rust-proxy", "rust-files", "go-orders", "zig-checksum",
            "js-feed", "py-report"]


def start(program, guest, cache):
    """Seconds from the start of the program to the first byte of its first answer."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [program, "run", guest, "--listen", "127.0.0.1:0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "XDG_CACHE_HOME": cache})  # fmt: skip
    try:
        port = None
        for line in process.stdout:
            if match := re.search(rb"listening on http://127\.0\.0\.1:(\d+)", line):
                port = int(match[1])
                break
        if port is None:
            raise SystemExit(f"error: {guest} did not start: exit status {process.wait()}")
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            if not connection.recv(65536):
                raise SystemExit(f"error: {guest} gave no answer")
            return time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def human(count):
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} KB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--program", default="build/unbolt")
    parser.add_argument("--guests", type=pathlib.Path, default=pathlib.Path("build/guests"))
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    print("| example | size | the first start | from the cache |\n|---|---|---|---|")
    for name in options.names or EXAMPLES:
        guest = str(options.guests / f"{name}.wasm")
        first = float("inf")
        for _ in range(3):
            with tempfile.TemporaryDirectory() as cache:
                first = min(first, start(options.program, guest, cache))
        with tempfile.TemporaryDirectory() as cache:
            start(options.program, guest, cache)
            later = statistics.median(start(options.program, guest, cache) for _ in range(options.rounds))
        seconds = f"{first:.1f} s" if first >= 1 else f"{first * 1e3:.0f} ms"
        print(f"| {name} | {human(os.path.getsize(guest))} | {seconds} | {later * 1e3:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
