"""Every part is swapped while requests come in at a fixed rate: no request fails, nothing is counted twice or lost.

The short form of what `make soak` does for longer: UNBOLT_SOAK is the factor.
"""

import os
import pathlib
import random
import sqlite3
import struct
import subprocess
import threading
import time

import pytest

import servers
from conftest import SANITIZED, eventually
from test_up import another_revision, number_of

SOAK = int(os.environ.get("UNBOLT_SOAK", "1"))


class Load:
    """Requests at a fixed rate (0: as fast as they go) over many connections, until it is stopped."""

    def __init__(self, port, folder, rate, connections=64, paths=1):
        program = pathlib.Path(os.environ.get("UNBOLT_LOAD", "build/dev/bin/open_loop")).resolve()
        assert program.is_file(), f"{program}: no load generator"
        self.out = folder / "load.bin"
        self.process = subprocess.Popen(
            [program, str(port), "--rate", str(rate), "--connections", str(connections), "--paths", str(paths),
             "--out", self.out], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self):
        """(when it was due in ns of the monotonic clock, latency in us, status, first byte of the body) of each."""
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, out
        self.summary = out.strip()
        return sorted(struct.iter_unpack("<QIHH", self.out.read_bytes()))


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0


def check_answered(load, records, host):
    """Every request was answered, with 200."""
    bad = [(due, latency, status) for due, latency, status, _ in records if status != 200]
    assert not bad, f"{load.summary}: {bad[:5]}; the host wrote:\n{host.log}"


def store(guests, url):
    return (f"name: shop\ncomponents:\n  counter:\n    image: {guests / 'cpp-counter.wasm'}\n"
            f"    links: {{'wasi:keyvalue': '{url}'}}\n")


def report(title, records, swaps):
    """Prints the latencies during the swaps and outside of them."""
    during, outside = [], []
    for due, latency, _, _ in records:
        (during if any(begin <= due <= end for begin, end in swaps) else outside).append(latency)
    print(f"{title}: {len(records)} requests, {len(swaps)} swaps; p50 {percentile(outside, .5)} us, "
          f"p99 {percentile(outside, .99)} us, p99 during swaps {percentile(during, .99)} us "
          f"({len(during)} requests)")


def full_rate(app, host, stores, paths):
    """Requests a second that the slowest of these stores bears, with nothing else going on."""
    rates = {}
    for url in stores:
        app.swap("counter", f"wasi:keyvalue={url}", seconds=120)
        load = Load(host.port, app.folder, 0, connections=64, paths=paths)
        time.sleep(3)
        rates[url] = len(load.stop()) / 3
    print("full load: " + ", ".join(f"{url.partition(':')[0]} {rate:.0f}/s" for url, rate in rates.items()))
    return min(rates.values())


def report_by_pair(stores, records, swaps):
    """Prints, of each pair of neighbouring stores, the latencies while one was copied into the other and beside that."""
    beside, during = [[] for _ in stores], [[] for _ in stores]
    turn = 0
    for due, latency, _, _ in records:
        while turn < len(swaps) and due > swaps[turn][1]:
            turn += 1
        kind = during if turn < len(swaps) and due >= swaps[turn][0] else beside
        kind[turn % len(stores)].append(latency)
    for i, url in enumerate(stores):
        following = (i + 1) % len(stores)
        worse = max(percentile(beside[i], .99), percentile(beside[following], .99))
        took = [(end - begin) / 1e9 for begin, end in swaps[i::len(stores)]]
        print(f"  {url.partition(':')[0]} -> {stores[following].partition(':')[0]}: p99 before {percentile(beside[i], .99)} us,"
              f" during {percentile(during[i], .99)} us, after {percentile(beside[following], .99)} us:"
              f" {percentile(during[i], .99) / max(worse, 1):.2f} x the worse; a copy took {percentile(took, .5):.2f} s")


def test_revisions_under_load(app, guests):
    """Two revisions take turns; each answers while it is in service and never after it was retired."""
    app.write(f"name: hello\ncomponents:\n  web: {guests / 'c-hello.wasm'}\n")
    other = app.folder / "other.wasm"
    other.write_bytes(another_revision(guests / "c-hello.wasm", "other"))
    host = app.up()
    load = Load(host.port, app.folder, 500 if SANITIZED else 3000)
    time.sleep(0.3)
    swaps, calls = [], 0
    for turn in range(20 * SOAK):
        begin = time.monotonic_ns()
        change = app.swap("web", other if turn % 2 == 0 else guests / "c-hello.wasm")
        swaps.append((begin, time.monotonic_ns()))
        assert change["drained"] and change["before"]["failed"] == 0
        assert change["before"]["in-flight"] == 0
        calls += change["before"]["calls"]
    records = load.stop()
    report("revisions", records, swaps)
    check_answered(load, records, host)
    component = app.component("web")
    assert component["draining"] == []
    assert calls + component["calls"] == len(records)


def test_providers_under_load(app, guests):
    """The store moves under full load; what each store was given is in it, and no request fails."""
    app.write(store(guests, "memory:"))
    host = app.up()
    load = Load(host.port, app.folder, 0, connections=16, paths=100)
    time.sleep(0.2)
    for turn in range(10 * SOAK):
        change = app.swap("counter", f"wasi:keyvalue=sqlite:{turn % 2}.db?synchronous=normal" if turn % 3 else
                          "wasi:keyvalue=memory:")
        assert change["drained"] and change["before"]["failed"] == 0
    records = load.stop()
    check_answered(load, records, host)


def total(host, paths):
    """What all counters stand at: each is visited once more, over one connection, and that visit taken off."""
    found = 0
    with host.connect(60) as connection:
        for path in range(paths):
            connection.send_request("GET", f"/{path}")
            found += number_of(connection.read_response()) - 1
    return found


def check_copies(app, host, stores, swaps, rate, paths, pause=0.0):
    """Swaps with --copy from store to store under a load; every increment that was answered is counted once."""
    load = Load(host.port, app.folder, rate, connections=64, paths=paths)
    time.sleep(0.5)
    times = []
    for turn in range(swaps):
        begin = time.monotonic_ns()
        change = app.swap("counter", f"wasi:keyvalue={stores[(turn + 1) % len(stores)]}", "--copy", "--overwrite",
                          seconds=120)
        times.append((begin, time.monotonic_ns()))
        assert change["drained"] and change["before"]["failed"] == 0
        time.sleep(pause)
    records = load.stop()
    report(f"copies between {len(stores)} stores at {rate or 'full'} load", records, times)
    if pause:
        report_by_pair(stores, records, times)
    check_answered(load, records, host)
    assert total(host, paths) == len(records)


def test_copies_under_load(app, guests):
    app.write(store(guests, "memory:"))
    host = app.up()
    stores = ["memory:", "sqlite:one.db?synchronous=normal", "memory:second", "sqlite:two.db?synchronous=normal"]
    check_copies(app, host, stores, 8 * SOAK, 150 if SANITIZED else 600, 1000)


def test_copies_at_full_load(app, guests):
    app.write(store(guests, "memory:"))
    host = app.up()
    stores = ["memory:", "sqlite:one.db?synchronous=normal", "memory:second"]
    check_copies(app, host, stores, 6 * SOAK, 0, 200)


def test_a_copy_that_fails_leaves_the_old(app, guests):
    app.write(store(guests, "memory:"))
    host = app.up()
    for path in range(10):
        host.get(f"/{path}")
    app.swap("counter", "wasi:keyvalue=sqlite:app.db", "--copy")
    # The store that was left holds what it held: it is not written over by mistake.
    app.swap("counter", "wasi:keyvalue=memory:b", "--copy")
    assert number_of(host.get("/1")) == 2
    finished = app.run("swap", "counter", "wasi:keyvalue=sqlite:app.db", "--copy")
    assert finished.status == 1 and "--overwrite" in finished.err, finished
    assert number_of(host.get("/1")) == 3
    assert app.component("counter")["links"][0]["url"] == "memory:b"
    assert app.swap("counter", "wasi:keyvalue=sqlite:app.db", "--copy", "--overwrite")["copied"]["keys"] >= 10
    assert number_of(host.get("/1")) == 4


# ---- real servers


def test_copies_between_servers_under_load(app, guests, start):
    """memory, SQLite, Redis, PostgreSQL, NATS and back."""
    redis, postgres, nats = start(servers.Redis, "redis"), start(servers.Postgres, "pg"), start(servers.Nats, "nats")
    app.write(store(guests, "memory:"))
    host = app.up()
    stores = ["memory:", "sqlite:one.db?synchronous=normal", redis.url, postgres.url, f"{nats.url}/shop"]
    if SOAK == 1:
        check_copies(app, host, stores, 5, 100 if SANITIZED else 300, 200)
        return
    rate = int(0.6 * full_rate(app, host, stores, 10_000))
    fresh = ["memory:soak", "sqlite:soak.db?synchronous=normal", f"{redis.url}/1", f"{postgres.url}?table=soak", f"{nats.url}/soak"]
    app.swap("counter", f"wasi:keyvalue={fresh[0]}")
    check_copies(app, host, fresh, 100, rate, 10_000, pause=1.5)


def test_a_server_that_dies_and_returns(app, guests, start):
    """Calls fail with the contract's error within their time, and work again; what was answered is kept."""
    redis = start(servers.Redis, "redis")
    app.write(store(guests, f"{redis.url}?timeout=1s"))
    host = app.up()
    for expected in range(1, 4):
        assert number_of(host.get("/a")) == expected
    redis.kill()
    begin = time.monotonic()
    response = host.get("/a")
    assert response.status == 503 and "the store failed" in response.text, response
    assert time.monotonic() - begin < 5
    redis.start()
    assert eventually(lambda: host.get("/a").status == 200, 20)
    assert number_of(host.get("/a")) >= 5
    # A provider that cannot be reached leaves the old one in service.
    finished = app.run("swap", "counter", "wasi:keyvalue=redis://127.0.0.1:1?timeout=1s")
    assert finished.status == 1 and "127.0.0.1:1" in finished.err, finished
    assert host.get("/a").status == 200


def test_the_same_file_from_development_to_production(app, guests, start):
    app.write(store(guests, "memory:"))
    host = app.up()
    assert number_of(host.get("/a")) == 1
    developed = app.component("counter")["revision"]
    postgres = start(servers.Postgres, "pg")
    app.swap("counter", f"wasi:keyvalue={postgres.url}", "--copy")
    assert number_of(host.get("/a")) == 2
    assert app.component("counter")["revision"] == developed
    shown = app.component("counter")["links"][0]["url"]
    assert "secret" not in shown and "***" in shown
    assert "secret" not in host.log and "secret" not in app.run("links").out
    host.kill()
    host = app.up()
    assert number_of(host.get("/a")) == 3


def messages(guests, broker, counts):
    return (f"name: shop\ncomponents:\n  worker:\n    image: {guests / 'messages.wasm'}\n    links:\n"
            f"      wasmcloud:messaging: '{broker}'\n      wasi:keyvalue: '{counts}'\n"
            "topics: [{subject: work.new, to: worker}]\n")


def handled(folder, name):
    """What the worker counted in a SQLite store."""
    with sqlite3.connect(f"file:{folder / name}?mode=ro", uri=True) as database:
        row = database.execute("SELECT value FROM unbolt_kv WHERE key = CAST('handled' AS BLOB)").fetchone()
    return int(row[0]) if row else 0


def test_messages_while_everything_changes(app, guests, start):
    """JetStream: what was stored is handled, while the revision, a link and the broker itself change."""
    nats = start(servers.Nats, "nats")
    app.write(messages(guests, f"{nats.url}?jetstream=WORK&subjects=work.*", "sqlite:counts.db?synchronous=normal"))
    other = app.folder / "other.wasm"
    other.write_bytes(another_revision(guests / "messages.wasm", "other"))
    host = app.up()
    count = 2000 if SOAK == 1 else 100_000
    client, published = servers.NatsClient(nats.port), 0
    for turn in range(8):
        for _ in range(count // 8):
            while True:
                try:
                    client.publish("work.new", b"do it")
                    published += 1
                    break
                except (ConnectionError, OSError):
                    client = servers.NatsClient(nats.port)
        if turn % 4 == 3:
            nats.kill()
            nats.start()
            client = servers.NatsClient(nats.port)
        else:
            change = app.swap("worker", other if turn % 2 == 0 else guests / "messages.wasm")
            assert change["drained"], change
    assert published == count
    assert eventually(lambda: handled(app.folder, "counts.db") >= count, 60), handled(app.folder, "counts.db")
    again = handled(app.folder, "counts.db") - count
    print(f"messages: {count} through JetStream, 6 swaps, the broker killed twice; {again} handled again")
    # The broker gives some again that were under way when it was killed.
    assert again <= count // 20
    assert host.running()


def test_messages_of_mqtt_while_everything_changes(app, guests, start):
    """What the broker acknowledged is handled, while the revision, the link and the broker itself change."""
    mosquitto, nats = start(servers.Mosquitto, "mosquitto"), start(servers.Nats, "nats")
    stream = f"{nats.url}?jetstream=WORK&subjects=work.*"
    app.write(messages(guests, mosquitto.url, "sqlite:counts.db?synchronous=normal"))
    other = app.folder / "other.wasm"
    other.write_bytes(another_revision(guests / "messages.wasm", "other"))
    host = app.up()
    count = 2000 if SOAK == 1 else 100_000
    published, stopped = 0, threading.Event()

    def publish():
        nonlocal published
        client = None
        while published < count and not stopped.is_set():
            try:
                client = client or servers.MqttClient(mosquitto.port)
                client.publish("work/new", b"do it")
                published += 1
            except OSError:
                client = None
                time.sleep(0.01)

    publisher = threading.Thread(target=publish)
    publisher.start()
    restarts = 0
    try:
        for turn in range(8):
            assert eventually(lambda: published >= count * (turn + 1) // 9, 60), published
            if turn % 4 == 3:
                mosquitto.stop()
                mosquitto.start()
                restarts += 1
            elif turn % 4 == 1:
                # What comes meanwhile stays with the broker.
                assert app.swap("worker", f"wasmcloud:messaging={stream}")["drained"]
                time.sleep(0.1)
                assert app.swap("worker", f"wasmcloud:messaging={mosquitto.url}")["drained"]
            else:
                assert app.swap("worker", other if turn % 2 == 0 else guests / "messages.wasm")["drained"]
    finally:
        publisher.join(60)
        stopped.set()
    assert published == count
    assert eventually(lambda: handled(app.folder, "counts.db") >= count, 60), handled(app.folder, "counts.db")
    time.sleep(0.3)
    again = handled(app.folder, "counts.db") - count
    print(f"messages: {count} through Mosquitto, the broker started anew {restarts} times; {again} handled again")
    assert host.running()


def test_an_mqtt_broker_that_is_killed(app, guests, start):
    """Nothing is promised of what it had in its memory; the host comes back to it by itself."""
    mosquitto = start(servers.Mosquitto, "mosquitto")
    app.write(messages(guests, mosquitto.url, "sqlite:counts.db?synchronous=normal"))
    host = app.up()
    servers.MqttClient(mosquitto.port).publish("work/new", b"do it")
    assert eventually(lambda: handled(app.folder, "counts.db") >= 1, 20)
    mosquitto.kill()
    time.sleep(0.5)
    mosquitto.start()

    def comes_through():
        before = handled(app.folder, "counts.db")
        servers.MqttClient(mosquitto.port).publish("work/new", b"do it")
        return eventually(lambda: handled(app.folder, "counts.db") > before, 1)

    assert eventually(comes_through, 20)
    assert host.running()
    # A broker that cannot be reached leaves the old one in service.
    finished = app.run("swap", "worker", "wasmcloud:messaging=mqtt://127.0.0.1:1?timeout=1s")
    assert finished.status == 1 and "127.0.0.1:1" in finished.err, finished
    assert eventually(comes_through, 20)


def test_core_nats_loses_nothing_while_the_server_lives(app, guests, start):
    nats = start(servers.Nats, "nats")
    app.write(messages(guests, nats.url, "sqlite:counts.db?synchronous=normal"))
    other = app.folder / "other.wasm"
    other.write_bytes(another_revision(guests / "messages.wasm", "other"))
    app.up()
    client = servers.NatsClient(nats.port)
    for turn in range(10):
        for _ in range(100 * SOAK):
            client.send("work.new", b"do it")
        client.flush()
        app.swap("worker", other if turn % 2 == 0 else guests / "messages.wasm")
    assert eventually(lambda: handled(app.folder, "counts.db") == 1000 * SOAK, 30), handled(app.folder, "counts.db")
    time.sleep(0.3)
    assert handled(app.folder, "counts.db") == 1000 * SOAK


def test_a_thousand_components(app, guests):
    """Each with a route and a link; a request costs the same as with one."""
    count = 200 if SANITIZED else 1000
    lines = ["name: many", "components:"]
    for i in range(count):
        file = app.folder / f"{i}.wasm"
        file.write_bytes(another_revision(guests / "cpp-counter.wasm", f"number {i}"))
        lines.append(f"  c{i}: {{image: ./{i}.wasm, links: {{'wasi:keyvalue': 'memory:'}}}}")
    lines.append("routes:")
    lines += [f"  - {{path: /c{i}, to: c{i}}}" for i in range(count)]
    app.write("\n".join(lines) + "\n")
    begin = time.monotonic()
    host = app.up()
    first = time.monotonic() - begin
    host.stop()
    begin = time.monotonic()
    host = app.up()
    took = time.monotonic() - begin
    before = host.resident_kib()
    for i in range(0, count, 7):
        assert number_of(host.get(f"/c{i}")) == 1
    assert host.get("/c").status == 404
    print(f"{count} components: the first start {first:.1f} s, the next {took:.1f} s, {before // 1024} MiB resident")
    assert len(app.status()["components"]) == count


def test_kill_9_at_any_moment_of_a_copy(app, guests):
    """Whatever the host knew when it was killed, it begins with the store that holds all that was answered."""
    app.write(store(guests, "sqlite:0.db"))
    answered = 0
    for attempt in range(1, 13 if SOAK == 1 else 100):
        host, stopped = app.up(), threading.Event()
        assert number_of(host.get("/a")) in (answered + 1, answered + 2)  # the last one may have been done unanswered
        answered = number_of(host.get("/a"))

        def count():
            nonlocal answered
            with host.connect() as connection:
                try:
                    while not stopped.is_set():
                        connection.send_request("GET", "/a")
                        answered = number_of(connection.read_response())
                except (OSError, EOFError):
                    pass

        counting = threading.Thread(target=count)
        counting.start()
        swap = subprocess.Popen([str(app.unbolt), "swap", "counter", f"wasi:keyvalue=sqlite:{attempt}.db", "--copy"],
                                cwd=app.folder, env={**os.environ, **app.env},
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        fresh = app.folder / f"{attempt}.db"
        while not fresh.exists() and swap.poll() is None:
            pass
        time.sleep(random.uniform(0, 0.03))
        host.kill()
        stopped.set()
        counting.join()
        swap.wait(30)
