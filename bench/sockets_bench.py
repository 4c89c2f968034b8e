#!/usr/bin/env python3
"""TCP echo through a guest beside a native one, and what guests cost that only wait.

    bench/sockets_bench.py BUILD_DIR GUESTS_DIR [--rounds N] [--seconds S] [--parked N] [--only echo|parked]

Echo: `native_echo.cc` and the guest `sockets` (one connection: it reads and writes with blocking calls; sixteen: it polls)
on core 0, `echo_load.cc` on core 1. Rounds visit both in turn. Parked: N requests wait in as many instances of the guest
`sockets-http`, half for a timer, half for a connection that says nothing; counted is the CPU time of the program over ten
seconds, before they come and while they wait. Prints one line of JSON a figure.
"""

import argparse
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

SERVER_CORE, LOAD_CORE = 0, 1
TICK = 1 / os.sysconf("SC_CLK_TCK")
# name, connections, bytes of a message
LOADS = [("1x64", 1, 64), ("1x64k", 1, 65536), ("16x64", 16, 64), ("16x16k", 16, 16384)]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def on_core(core):
    return lambda: os.sched_setaffinity(0, {core})


def start(argv, pattern, core):
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=on_core(core))
    line = process.stdout.readline()
    match = re.search(pattern, line)
    if not match:
        sys.exit(f"error: {argv} said {line!r}")
    return process, int(match[1])


def echo_once(build, argv, connections, size, seconds):
    server, port = start(argv, r"listening on (?:http://)?[0-9.]+:(\d+)", SERVER_CORE)
    before = cpu_seconds(server.pid)
    done = subprocess.run(
        [build / "bin/echo_load", str(port), str(connections), str(size), str(seconds)],
        capture_output=True, text=True, check=True, preexec_fn=on_core(LOAD_CORE))
    used = cpu_seconds(server.pid) - before
    server.kill()
    server.wait()
    rounds, took = done.stdout.split()
    return int(rounds) / float(took), used / int(rounds) * 1e6


def figure(name, unit, values):
    print(json.dumps({"figure": name, "unit": unit, "median": statistics.median(values), "least": min(values),
                      "most": max(values)}), flush=True)


def echo(build, guests, rounds, seconds):
    guest = [build / "bin/unbolt", "run", guests / "sockets.wasm", "--allow-listen", "127.0.0.1", "--"]
    for name, connections, size in LOADS:
        command = ["tcp-echo-server", "127.0.0.1:0", "1"] if connections == 1 else ["tcp-echo-many", "127.0.0.1:0", "16"]
        taken = {"native": [], "guest": []}
        for _ in range(rounds):
            taken["native"].append(echo_once(build, [build / "bin/native_echo"], connections, size, seconds))
            taken["guest"].append(echo_once(build, guest + command, connections, size, seconds))
        for subject, values in taken.items():
            figure(f"echo.{name}.{subject}", "us", [1e6 / rate for rate, _ in values])
            figure(f"echo.{name}.{subject}.cpu", "us", [cpu for _, cpu in values])


def idle_share(pid, seconds=10):
    """How much of a core the process takes, in percent."""
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - began) * 100


def parked(build, guests, count):
    silent = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server, port = start(
        [build / "bin/unbolt", "run", guests / "sockets-http.wasm", "--listen", "127.0.0.1:0", "--threads", "1",
         "--timeout", "3600", "--max-instances", str(count), "--allow-connect", "127.0.0.1"],
        r"listening on http://[0-9.]+:(\d+)", SERVER_CORE)
    time.sleep(1)
    idle = idle_share(server.pid)
    clients, accepted = [], []
    for i in range(count):
        path = "/sleep/3600000" if i % 2 else f"/tcp-wait/read/127.0.0.1:{silent.getsockname()[1]}"
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        clients.append(client)
        if i % 2 == 0:
            accepted.append(silent.accept()[0])
    time.sleep(2)
    for client in clients[:: max(1, count // 100)]:
        client.setblocking(False)
        try:
            sys.exit(f"error: a request that should wait was answered: {client.recv(1000)!r}")
        except BlockingIOError:
            pass
    waiting = idle_share(server.pid)
    resident = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8"))[1])
    figure("parked.none.cpu", "% of a core", [idle])
    figure(f"parked.{count}.cpu", "% of a core", [waiting])
    figure(f"parked.{count}.memory", "KiB", [resident / count])
    server.kill()
    server.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--parked", type=int, default=10_000)
    parser.add_argument("--only", choices=["echo", "parked"])
    options = parser.parse_args()
    if options.only != "parked":
        echo(options.build, options.guests, options.rounds, options.seconds)
    if options.only != "echo":
        parked(options.build, options.guests, options.parked)


if __name__ == "__main__":
    main()
