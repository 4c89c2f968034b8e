"""wasi:sql behind the guest `sql`: its lines are said in tests/guests/sql/src/lib.rs."""

import concurrent.futures
import pathlib
import shutil
import sqlite3
import tempfile
import threading
import time

import pytest

import servers
from conftest import PATIENCE, SANITIZED, stop_all
from test_swap_load import Load


def ask(server, *lines, status=200):
    """The lines of the answer."""
    response = server.request("POST", "/", body="\n".join(lines).encode())
    assert response.status == status, response
    return response.text.splitlines()


@pytest.fixture(scope="module")
def postgres():
    # Not below pytest's folders, which are closed to the user that PostgreSQL runs as.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="unbolt-sql-"))
    server = servers.Postgres(folder / "pg").start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'app.db'}"
    server = request.getfixturevalue("postgres")
    server.made = getattr(server, "made", 0) + 1
    server.sql(f"CREATE DATABASE app{server.made}")
    return server.url.replace("/postgres", f"/app{server.made}")


@pytest.fixture
def link(url):
    return ["--link", f"wasi:sql={url}"]


@pytest.fixture
def file_link(tmp_path):
    return ["--link", f"wasi:sql=sqlite:{tmp_path / 'app.db'}"]


def test_statements_and_types(serve, link):
    server = serve("sql.wasm", *link)
    assert ask(
        server,
        "exec CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE, weight NUMERIC(6,2))",
        "exec INSERT INTO person VALUES (?, ?, ?, ?), (2, 'Bo', NULL, NULL)\t1\tÄnne\t1990-02-28\t61.25",
        "query SELECT * FROM person ORDER BY id",
        "exec UPDATE person SET name = $2 WHERE id = $1\t2\tBob",
        "query SELECT count(*) AS n FROM person WHERE name LIKE 'B%'",
        "query SELECT id FROM person WHERE name = ?",
    ) == [
        "0", "2",
        "id=int32(1) name=str(Änne) born=date(1990-02-28) weight=str(61.25)"
        " id=int32(2) name=str(Bo) born=null weight=null",
        "1", "n=int64(1)",
        "error: the statement takes 1 values, and 0 are given",
    ]
    twice, wrong = ask(server, "exec INSERT INTO person VALUES (1, 'again', NULL, NULL)", "query SELEC")
    assert twice.startswith("error: ") and "unique" in twice.lower(), twice
    assert wrong in ('error: near "SELEC": syntax error', 'error: syntax error at or near "SELEC"')


def test_a_transaction_ends_with_its_connection(serve, link):
    """Dropped, at the end of the request, or with the instance."""
    server = serve("sql.wasm", *link)
    ask(server, "exec CREATE TABLE t (a INTEGER)")
    assert ask(server, "exec BEGIN", "exec INSERT INTO t VALUES (1)", "open other", "query SELECT a FROM t") == [
        "0", "1", "opened", ""]
    assert ask(server, "exec BEGIN", "exec INSERT INTO t VALUES (2)", "query SELECT a FROM t") == ["0", "1", "a=int32(2)"]
    assert ask(server, "exec INSERT INTO t VALUES (3)", "query SELECT a FROM t") == ["1", "a=int32(3)"]
    assert ask(server, "exec BEGIN", "exec DELETE FROM t", "exec COMMIT", "query SELECT a FROM t")[-1] == ""


def test_an_instance_may_keep_its_connection(serve, link):
    server = serve("sql.wasm", "--isolation", "reused:1000", "--threads", "1", *link)
    ask(server, "exec CREATE TABLE t (a INTEGER)")
    assert ask(server, "exec BEGIN", "exec INSERT INTO t VALUES (1)", "keep") == ["0", "1", "kept"]
    assert ask(server, "exec COMMIT", "query SELECT a FROM t") == ["0", "a=int32(1)"]


def test_an_instance_holds_so_many_statements(serve, file_link):
    server = serve("sql.wasm", "--isolation", "reused:1000", "--threads", "1", *file_link)
    too_many = ("error: the handles of this instance take more than 69206016 bytes together, with the statements behind "
                "them (drop statements that have run)")
    assert ask(server, "hold 60", "hold 100", "hold 60", "query SELECT 1 AS n") == ["60 held", too_many, "60 held", "n=int64(1)"]


ENDLESS = "query WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 10 + 1 FROM n) SELECT count(*) FROM n"


def test_a_statement_that_never_ends_has_the_time_of_its_call(serve, link):
    """Its lock goes with it, and the threads do others' work."""
    server = serve("sql.wasm", "--timeout", str(PATIENCE), *link)
    ask(server, "exec CREATE TABLE t (a INTEGER)")
    before = server.cpu_seconds()
    threads = [
        threading.Thread(target=ask, args=(server, "exec BEGIN", "exec INSERT INTO t VALUES (1)", ENDLESS),
                         kwargs={"status": 504})
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20 * PATIENCE)
    assert ask(server, "exec INSERT INTO t VALUES (2)", "query SELECT a FROM t") == ["1", "a=int32(2)"]
    # Nothing goes on behind.
    used = server.cpu_seconds()
    time.sleep(0.5)
    assert server.cpu_seconds() - used < 0.3, (before, used)


def test_a_statement_ends_by_the_links_timeout(serve, url):
    server = serve("sql.wasm", "--link", f"wasi:sql={url}?timeout=300ms")
    assert ask(server, ENDLESS, "query SELECT count(*) AS n") == [
        "error: the statement was ended: it took longer than 300 ms", "n=int64(1)"]


def test_nothing_beyond_the_file_is_in_reach(serve, file_link, tmp_path):
    server = serve("sql.wasm", *file_link)
    other = tmp_path / "other.db"
    for line in (f"exec ATTACH '{other}' AS o", f"exec VACUUM INTO '{other}'", "exec PRAGMA writable_schema=1",
                 "query SELECT load_extension('x')", "query SELECT readfile('/etc/passwd')"):
        (answer,) = ask(server, line)
        assert answer.startswith("error: "), (line, answer)
    assert not other.exists()


def test_nothing_is_linked(serve):
    server = serve("sql.wasm")
    assert ask(server, "query SELECT 1") == [
        "error: no database is linked under the name '' (link one, as in wasi:sql=sqlite:app.db)"]


@pytest.mark.parametrize("url, said", [
    ("sqlite:", "names no file"),
    ("sqlite:no/such/folder/app.db", "the folder"),
    ("sqlite:app.db?conections=3", "connections"),
    ("redis://127.0.0.1", "has no provider 'redis:'"),
    ("postgres://me:hunter2@127.0.0.1:1/app?timeout=2s", "no connection to the PostgreSQL server 127.0.0.1:1"),
])
def test_a_database_that_cannot_be_used_is_told(call, guests, tmp_path, url, said):
    finished = call("run", guests / "sql.wasm", "--listen", "127.0.0.1:0", "--link", f"wasi:sql={url}", cwd=tmp_path)
    assert finished.status in (1, 2) and said in finished.err, finished
    assert "hunter2" not in finished.err


def test_another_program_reads_what_was_written(serve, file_link, tmp_path):
    server = serve("sql.wasm", *file_link)
    ask(server, "exec CREATE TABLE t (a INTEGER, b TEXT)", "exec INSERT INTO t VALUES (?, ?)\t1\t0042")
    with sqlite3.connect(tmp_path / "app.db") as other:
        assert other.execute("SELECT * FROM t").fetchall() == [(1, "0042")]


ACCOUNTS = ["exec CREATE TABLE account (name TEXT PRIMARY KEY, units BIGINT NOT NULL)",
            "exec INSERT INTO account VALUES ('from', 1000000), ('to', 0)"]
BALANCE = "query SELECT units FROM account ORDER BY name"


def units(line):
    return [int(cell.split("(")[1].rstrip(")")) for cell in line.split()]


def test_transfers_add_up(serve, link):
    server = serve("sql.wasm", "--threads", "2", *link)
    ask(server, *ACCOUNTS)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: server.get("/").status, range(80)))
    assert statuses == [200] * 80
    assert units(ask(server, BALANCE)[0]) == [1000000 - 80, 80]


def test_a_swap_under_load(app, guests, postgres):
    """Each transaction ends on the database it began on, whole; no request fails."""
    postgres.sql("CREATE DATABASE swapped")
    urls = ["sqlite:app.db?synchronous=normal", postgres.url.replace("/postgres", "/swapped")]
    app.write(f"name: bank\ncomponents:\n  bank:\n    image: {guests / 'sql.wasm'}\n"
              f"    links: {{'wasi:sql': '{urls[0]}'}}\n")
    host = app.up()
    ask(host, *ACCOUNTS)
    app.swap("bank", f"wasi:sql={urls[1]}")
    ask(host, *ACCOUNTS)
    load = Load(host.port, app.folder, 50 if SANITIZED else 150, connections=16)
    time.sleep(0.3)
    for turn in range(8):
        change = app.swap("bank", f"wasi:sql={urls[turn % 2]}")
        assert change["drained"] and change["before"]["failed"] == 0
        time.sleep(0.1)
    records = load.stop()
    bad = [record for record in records if record[2] != 200]
    assert not bad, f"{load.summary}: {bad[:5]}; the host wrote:\n{host.log}"
    moved = []
    for url in urls:
        app.swap("bank", f"wasi:sql={url}")
        left, came = units(ask(host, BALANCE)[0])
        assert left == 1000000 - came
        moved.append(came)
    assert sum(moved) == len(records) and all(moved), (moved, load.summary)
    stop_all(app.servers)


def test_cancellation_reaches_the_server(serve, postgres):
    """A client that leaves, and a call whose time is over."""
    server = serve("sql.wasm", "--timeout", str(2 * PATIENCE), "--link", f"wasi:sql={postgres.url}")
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    with server.connect() as connection:
        connection.send_request("POST", "/", {}, b"query SELECT pg_sleep(30)")
        for _ in range(100):
            if postgres.sql(active) == "1":
                break
            time.sleep(0.02)
        assert postgres.sql(active) == "1"
    for _ in range(200):
        if postgres.sql(active) == "0":
            break
        time.sleep(0.02)
    assert postgres.sql(active) == "0"
    ask(server, "query SELECT pg_sleep(30)", status=504)
    time.sleep(0.2)
    assert postgres.sql(active) == "0"


def test_a_server_that_dies_and_returns(serve, tmp_path):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="unbolt-sql-"))
    database = servers.Postgres(folder / "pg").start()
    try:
        server = serve("sql.wasm", "--link", f"wasi:sql={database.url}?timeout=5s")
        assert ask(server, "query SELECT 1 AS a") == ["a=int32(1)"]
        database.kill()
        assert ask(server, "query SELECT 1 AS a")[0].startswith("error: ")
        database.start()
        assert ask(server, "query SELECT 1 AS a") == ["a=int32(1)"]
        assert "secret" not in server.log
    finally:
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)
