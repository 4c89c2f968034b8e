#!/usr/bin/env python3
"""Hello over HTTP: rate, CPU a request, latency, start and memory, beside the peers.

    bench/http_bench.py BUILD_DIR GUESTS_DIR [--rounds N] [--seconds S] [--only WORD]

Each server runs on core 0 with one thread, the load (wrk, kept awake by awake.c) on core 1; rounds visit all servers in
turn, so that a disturbance meets all of them. Prints one line of JSON a figure, as the measuring programs do. `wasmtime` is taken from
WASMTIME, the PATH or /opt/wasmtime48/bin; without it, its figures are left out.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

SERVER_CORE, LOAD_CORE = 0, 1
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
PEER_TUNING = [
    "-O", "pooling-allocator=y", "-O", "pooling-memory-keep-resident=33554432",
    "-O", "pooling-table-keep-resident=65536", "-O", "pooling-async-stack-keep-resident=65536",
    "-O", "pooling-pagemap-scan=auto",
]


def find_wasmtime():
    for path in (os.environ.get("WASMTIME"), shutil.which("wasmtime"), "/opt/wasmtime48/bin/wasmtime"):
        if path and os.access(path, os.X_OK):
            return path
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def realtime(on):
    """This thread, and what it starts, go before everything else on the machine; or no longer."""
    os.sched_setscheduler(0, os.SCHED_FIFO if on else os.SCHED_OTHER, os.sched_param(10 if on else 0))


class Server:
    """A program that answers hello, started when it is needed."""

    load_env = dict(os.environ)
    in_front = False
    answer_has = b"hello\n"

    def __init__(self, name, argv):
        self.name, self.argv = name, argv
        self.pid = None

    def start(self):
        """Starts it and returns the seconds until it has answered its first request."""
        self.port = free_port()
        argv = [word.replace("PORT", str(self.port)) for word in self.argv]
        quiet = os.open(os.devnull, os.O_RDWR)
        os.sched_setaffinity(0, {SERVER_CORE})  # the child inherits it
        if self.in_front:
            realtime(True)
        began = time.perf_counter()
        self.pid = os.posix_spawn(
            argv[0], argv, os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1), (os.POSIX_SPAWN_DUP2, quiet, 2)])
        os.sched_setaffinity(0, {LOAD_CORE})
        os.close(quiet)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as s:
                    s.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                    answer = s.recv(65536)
                    # The body may come in a second packet.
                    while self.answer_has not in answer:
                        more = s.recv(65536)
                        if not more:
                            raise SystemExit(f"error: {self.name} answered {answer!r}")
                        answer += more
                    took = time.perf_counter() - began
                    if not answer.startswith(b"HTTP/1.1 200"):
                        raise SystemExit(f"error: {self.name} answered {answer!r}")
                    return took
            except ConnectionRefusedError:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    raise SystemExit(f"error: {self.name} has ended: {' '.join(argv)}") from None
                time.sleep(0.0002)

    def stop(self):
        if self.in_front:
            realtime(False)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pid = None

    def cpu_us(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_US

    def resident_mib(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024

    def load(self, connections, seconds):
        """Rate, CPU a request, p50 and p99 in µs under `connections`."""
        before = self.cpu_us()  # in ticks of 10 ms: a round lasts seconds
        done = subprocess.run(
            ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
             f"http://127.0.0.1:{self.port}/"], capture_output=True, text=True, check=True,
            env=self.load_env, timeout=seconds + 20).stdout
        used = self.cpu_us() - before
        if "Non-2xx" in done or "Socket errors" in done:
            raise SystemExit(f"error: {self.name} failed under load:\n{done}")
        requests = int(re.search(r"(\d+) requests in", done).group(1))
        return {
            "rate": (float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1)), "1/s"),
            "cpu": (used / requests, "us"),
            "p50": (latency_us(done, "50%"), "us"),
            "p99": (latency_us(done, "99%"), "us"),
        }


def latency_us(text, percentile):
    value, unit = re.search(re.escape(percentile) + r"\s+([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def servers(build, guests):
    unbolt, native = str(build / "bin/unbolt"), str(build / "bin/native_hello")
    c_hello, rust_hello = str(guests / "c-hello.wasm"), str(guests / "rust-hello.wasm")

    def ours(file, *more):
        return [unbolt, "run", file, "--listen", "127.0.0.1:PORT", "--threads", "1", *more]

    found = [
        Server("native", [native, "127.0.0.1:PORT"]),
        Server("c.fresh", ours(c_hello)),
        Server("c.reused", ours(c_hello, "--isolation", "reused:1000")),
        Server("rust.fresh", ours(rust_hello)),
        Server("rust.reused", ours(rust_hello, "--isolation", "reused:1000")),
    ]
    wasmtime = find_wasmtime()
    if not wasmtime:
        print("note: no wasmtime: the peer's figures are left out (WASMTIME=path)", file=sys.stderr)
        return found

    def peer(file, *more):
        # Its defaults leave WASI's CLI interfaces on, as ours are.
        return [wasmtime, "serve", *more, "--addr", "127.0.0.1:PORT", file]

    reuse = ["--max-instance-reuse-count", "1000"]
    return found + [
        Server("peer.c.fresh", peer(c_hello)),
        Server("peer.c.tuned", peer(c_hello, *PEER_TUNING)),
        Server("peer.c.reused", peer(c_hello, *reuse)),
        Server("peer.rust.fresh", peer(rust_hello)),
        Server("peer.rust.tuned", peer(rust_hello, *PEER_TUNING)),
        Server("peer.rust.reused", peer(rust_hello, *reuse)),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--realtime", action="store_true",
                        help="before all others on the machine, who stand still meanwhile (needs root)")
    parser.add_argument("--only", default="", help="only servers whose name has this in it")
    options = parser.parse_args()
    if os.cpu_count() < 2:
        print("note: one core alone: server and load share it", file=sys.stderr)
        globals()["LOAD_CORE"] = 0

    Server.load_env["LD_PRELOAD"] = str((options.build / "bin/libbench_awake.so").resolve())
    Server.in_front = options.realtime
    figures = {}

    def note(name, value, unit):
        figures.setdefault((name, unit), []).append(value)

    chosen = [s for s in servers(options.build, options.guests) if options.only in s.name]
    for server in chosen:  # the compiled code is in the cache from here on
        server.start()
        server.stop()
    for _ in range(options.starts):
        for server in chosen:
            note(f"start.{server.name}", server.start() * 1e3, "ms")
            server.stop()
    for _ in range(options.rounds):
        for server in chosen:
            server.start()
            server.load(16, 1)  # warm
            for connections in (1, 16, 64):
                for what, (value, unit) in server.load(connections, options.seconds).items():
                    note(f"http.{server.name}.{connections}.{what}", value, unit)
            note(f"memory.{server.name}", server.resident_mib(), "MiB")
            server.stop()
    for (name, unit), values in figures.items():
        print(json.dumps({"figure": name, "unit": unit, "median": statistics.median(values), "least": min(values),
                          "most": max(values)}))


if __name__ == "__main__":
    main()
