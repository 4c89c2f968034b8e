"""wasi:keyvalue behind the counter example: its providers, and what a write that was answered is worth."""

import concurrent.futures
import json
import os
import pathlib
import sqlite3
import tempfile
import threading
import time

import pytest

import servers


def visit(server, path="/a", connection=None):
    """Counts a visit; how many there were."""
    headers = {"Accept": "application/json"}
    if connection is None:
        response = server.get(path, headers=headers)
    else:
        connection.send_request("GET", path, headers)
        response = connection.read_response()
    assert response.status == 200, response
    facts = json.loads(response.text)
    assert facts["path"] == path
    return facts["visits"]


def sqlite(path):
    return ["--link", f"wasi:keyvalue=sqlite:{path}"]


def test_the_counter_counts(serve):
    server = serve("cpp-counter.wasm")
    assert [visit(server) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert visit(server, "/b") == 1
    assert server.request("DELETE", "/a").status == 200
    assert visit(server) == 1
    assert visit(server, "/b") == 2


def test_memory_is_the_default_and_ends_with_the_program(serve):
    first = serve("cpp-counter.wasm")
    assert [visit(first), visit(first)] == [1, 2]
    first.stop()
    assert visit(serve("cpp-counter.wasm")) == 1
    assert visit(serve("cpp-counter.wasm", "--link", "wasi:keyvalue=memory:")) == 1
    assert visit(serve("cpp-counter.wasm", "--link", "wasi:keyvalue=memory")) == 1


@pytest.mark.parametrize("isolation", ["fresh", "reused:3", "reused:1000"])
def test_counts_do_not_depend_on_the_isolation(serve, isolation):
    server = serve("cpp-counter.wasm", "--isolation", isolation)
    assert [visit(server) for _ in range(10)] == list(range(1, 11))


@pytest.fixture
def place(tmp_path):
    """place("redis"): the URL of an empty store of that kind, with its server where it needs one."""
    started = []
    # Not below pytest's folders, which are closed to the user that PostgreSQL runs as.
    folder = tempfile.TemporaryDirectory(prefix="unbolt-kv-")

    def run(kind, name):
        started.append(kind(pathlib.Path(folder.name) / name))
        return started[-1].start().url

    yield {
        "memory": lambda: "memory:",
        "sqlite": lambda: f"sqlite:{tmp_path / 'counts.db'}",
        "redis": lambda: run(servers.Redis, "redis"),
        "postgres": lambda: run(servers.Postgres, "postgres"),
    }
    for server in started:
        server.stop()
    folder.cleanup()


@pytest.mark.parametrize("provider", ["memory", "sqlite", "redis", "postgres"])
def test_no_visit_is_lost_or_counted_twice(serve, place, provider):
    server = serve("cpp-counter.wasm", "--threads", "2", "--link", f"wasi:keyvalue={place[provider]()}")

    def visitor(_):
        with server.connect() as connection:
            return [visit(server, connection=connection) for _ in range(25)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = [number for numbers in pool.map(visitor, range(8)) for number in numbers]
    assert sorted(seen) == list(range(1, 201))


@pytest.mark.parametrize("provider", ["redis", "postgres"])
def test_hosts_share_a_server(serve, place, provider):
    """Two at a time, and one after the other."""
    link = ["--link", f"wasi:keyvalue={place[provider]()}"]
    first, second = serve("cpp-counter.wasm", *link), serve("cpp-counter.wasm", *link)
    assert [visit(first), visit(second), visit(first)] == [1, 2, 3]
    first.kill()
    assert visit(second) == 4
    assert visit(serve("cpp-counter.wasm", *link)) == 5
    assert second.request("DELETE", "/a").status == 200
    assert visit(second) == 1


@pytest.mark.parametrize(
    "url, said",
    [
        ("redis://:hunter2@127.0.0.1:1?timeout=2s", "127.0.0.1:1 cannot be reached"),
        ("rediss://:hunter2@127.0.0.1:1?timeout=2s", "127.0.0.1:1 cannot be reached"),
        ("postgres://me:hunter2@127.0.0.1:1/app?timeout=2s", "no connection to the PostgreSQL server 127.0.0.1:1"),
        ("postgresql://me:hunter2@127.0.0.1:1/app?timeuot=2s", "that PostgreSQL does not know"),
        ("redis://me:hunter2@/0", "names no host"),
    ],
)
def test_a_server_that_cannot_be_used_is_told(call, guests, url, said):
    finished = call("run", guests / "cpp-counter.wasm", "--listen", "127.0.0.1:0", "--link", f"wasi:keyvalue={url}")
    assert finished.status in (1, 2) and said in finished.err, finished
    assert "hunter2" not in finished.err


def test_sqlite_survives_a_restart(serve, tmp_path):
    place = tmp_path / "a folder" / "counts.db"
    place.parent.mkdir()
    for start in range(3):
        server = serve("cpp-counter.wasm", *sqlite(place))
        assert [visit(server), visit(server)] == [2 * start + 1, 2 * start + 2]
        server.stop()
    assert place.is_file()


def test_a_relative_path_starts_at_the_working_folder(serve, tmp_path):
    server = serve("cpp-counter.wasm", *sqlite("counts.db"), cwd=tmp_path)
    assert visit(server) == 1
    assert (tmp_path / "counts.db").is_file()


@pytest.mark.parametrize("moment", [0.05, 0.2, 0.5])
def test_an_answered_write_survives_kill_9(serve, tmp_path, moment):
    place = tmp_path / "counts.db"
    server = serve("cpp-counter.wasm", "--threads", "2", *sqlite(place))
    answered = {f"/{i}": 0 for i in range(4)}

    def visitor(path):
        try:
            with server.connect() as connection:
                while True:
                    answered[path] = visit(server, path, connection)
        except (OSError, EOFError):
            pass

    threads = [threading.Thread(target=visitor, args=(path,)) for path in answered]
    for thread in threads:
        thread.start()
    while not all(answered.values()):
        time.sleep(0.001)
    time.sleep(moment)
    server.kill()
    for thread in threads:
        thread.join()
    again = serve("cpp-counter.wasm", *sqlite(place))
    for path, number in answered.items():
        # The one that was under way may have been written without an answer.
        assert visit(again, path) in (number + 1, number + 2), (path, number)
    again.stop()
    assert sqlite3.connect(place).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_two_programs_on_one_database(serve, tmp_path):
    place = tmp_path / "counts.db"
    servers = [serve("cpp-counter.wasm", *sqlite(place)) for _ in range(2)]

    def visitor(server):
        return [visit(server) for _ in range(25)]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        seen = [number for numbers in pool.map(visitor, servers) for number in numbers]
    assert sorted(seen) == list(range(1, 51))


def test_a_database_that_is_held_by_another_answers_in_the_end(serve, tmp_path):
    """The guest gets its contract's own error (a 503 of the example), or the write once the other has let go."""
    place = tmp_path / "counts.db"
    server = serve("cpp-counter.wasm", *sqlite(place))
    assert visit(server) == 1
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with server.connect(30) as connection:
        connection.send_request("GET", "/a", {"Accept": "application/json"})
        time.sleep(0.5)
        other.execute("ROLLBACK")
        other.close()
        response = connection.read_response()
    assert response.status in (200, 503), response
    assert visit(server) == (3 if response.status == 200 else 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_database_that_may_not_be_written(call, guests, tmp_path):
    place = tmp_path / "counts.db"
    sqlite3.connect(place).execute("CREATE TABLE t (x)").connection.close()
    place.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        finished = call("run", guests / "cpp-counter.wasm", "--listen", "127.0.0.1:0", *sqlite(place))
    finally:
        tmp_path.chmod(0o755)
    assert finished.status == 1, finished
    assert str(place) in finished.err
