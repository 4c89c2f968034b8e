#!/usr/bin/env python3
"""SQL on PostgreSQL: queries a second of a component beside PostgreSQL's own load program, with as many connections.

    bench/sql_bench.py BUILD_DIR GUESTS_DIR [--rounds N] [--seconds S] [--only query|transfer]

The guest `sql` runs statements one after the other, 500 a request, as many requests at a time as there are connections
(`?connections=`). `pgbench` (libpq, prepared statements, one thread) asks the same server for the same. Rounds visit both in
turn. A server of its own is started, with `fsync` off: what a disk does is no matter here. Prints one line of JSON a figure:
the time of a statement as the one who waits for all of them sees it (the connections' time over the statements).
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import servers  # noqa: E402

STATEMENTS = 500  # of a request
# name, connections, what pgbench runs, what the guest runs
LOADS = [
    ("query.1", 1, "\\set id random(1, 10000)\nSELECT name FROM item WHERE id = :id;\n",
     ["query SELECT name FROM item WHERE id = $1\t{id}"]),
    ("query.8", 8, "\\set id random(1, 10000)\nSELECT name FROM item WHERE id = :id;\n",
     ["query SELECT name FROM item WHERE id = $1\t{id}"]),
    ("transfer.8", 8,
     "\\set id random(1, 10000)\nBEGIN;\nUPDATE item SET n = n + 1 WHERE id = :id;\nCOMMIT;\n",
     ["exec BEGIN", "exec UPDATE item SET n = n + 1 WHERE id = $1\t{id}", "exec COMMIT"]),
]


class Host:
    """`unbolt run` with the guest, one thread, and instances that are kept: what is measured is SQL."""

    def __init__(self, build, guests, url, connections):
        self.process = subprocess.Popen(
            [build / "bin/unbolt", "run", guests / "sql.wasm", "--listen", "127.0.0.1:0", "--threads", "1", "--isolation",
             "reused:1000000", "--link", f"wasi:sql={url}?connections={connections}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if match := re.search(r"listening on http://127.0.0.1:(\d+)", line):
                self.port = int(match[1])
                break
        else:
            raise SystemExit("error: the host has ended")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        self.process.kill()
        self.process.wait()


def ask_until(end, port, body, count, answers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < end:
        connection.request("POST", "/", body)
        response = connection.getresponse()
        text = response.read()
        if response.status != 200 or b"error:" in text:
            raise SystemExit(f"error: the guest answered {response.status} {text[:200]!r}")
        answers.append(count)


def guest_rate(host, connections, lines, seconds):
    """Statements a second."""
    ids = iter(range(1, STATEMENTS * 100))
    text = "\n".join(line.format(id=next(ids) * 7919 % 10000 + 1) for _ in range(STATEMENTS // len(lines)) for line in lines)
    count = STATEMENTS // len(lines) * len(lines)
    answers, began = [], time.monotonic()
    threads = [threading.Thread(target=ask_until, args=(began + seconds, host.port, text.encode(), count, answers))
               for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not answers:
        raise SystemExit("error: the guest has answered nothing")
    return sum(answers) / (time.monotonic() - began)


def native_rate(url, script, connections, statements, seconds):
    done = subprocess.run(
        [servers.program("pgbench", servers.POSTGRES), "-n", "-M", "prepared", "-f", script, "-c", str(connections), "-j", "1",
         "-T", str(seconds), url], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"tps = ([\d.]+)", done)[1]) * statements


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    # Not in a folder of the user's own: PostgreSQL may run as another.
    with tempfile.TemporaryDirectory(prefix="unbolt-sql-bench-") as folder:
        os.chmod(folder, 0o755)
        server = servers.Postgres(pathlib.Path(folder) / "pg").start()
        try:
            server.sql("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, n BIGINT NOT NULL DEFAULT 0);"
                       " INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, 10000) AS i; ANALYZE item")
            for name, connections, script, lines in LOADS:
                if not name.startswith(options.only):
                    continue
                path = pathlib.Path(folder) / "script.sql"
                path.write_text(script)
                host = Host(options.build, options.guests, server.url, connections)
                rates = {"guest": [], "native": []}
                try:
                    guest_rate(host, connections, lines, 0.5)  # connections are made, statements prepared
                    for _ in range(options.rounds):
                        rates["guest"].append(guest_rate(host, connections, lines, options.seconds))
                        rates["native"].append(native_rate(server.url, path, connections, len(lines), options.seconds))
                finally:
                    host.stop()
                for who, values in rates.items():
                    times = [1e6 / rate for rate in values]
                    print(json.dumps({"figure": f"sql.{name}.{who}", "unit": "us", "median": statistics.median(times),
                                      "least": min(times), "most": max(times)}), flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
