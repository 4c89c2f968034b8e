"""PostgreSQL at its edge: who it is and how one gets in, and a server that keeps to nothing."""

import os
import pathlib
import shutil
import socketserver
import struct
import tempfile
import threading

import pytest

import servers
from conftest import SANITIZED, eventually, stop_all
from test_sql import ask
from upstream import make_authority, make_certificate

PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def secured():
    """A server that takes only TLS and SCRAM; and the authority of its certificate."""
    # Not below pytest's folders, which are closed to the user that PostgreSQL runs as.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="unbolt-tls-"))
    server = servers.Postgres(folder / "pg").start()
    data = server.folder / "data"
    authority = make_authority(folder)
    for source, name in zip(make_certificate(folder, authority, ["DNS:localhost"]), ["server.crt", "server.key"]):
        shutil.copy(source, data / name)
        (data / name).chmod(0o600)
        if server.user:
            shutil.chown(data / name, server.user)
    server.sql("ALTER SYSTEM SET ssl = on")
    server.sql(f"CREATE USER app PASSWORD '{PASSWORD}'")
    (data / "pg_hba.conf").write_text(
        "host all unbolt 127.0.0.1/32 scram-sha-256\nhostssl all app 127.0.0.1/32 scram-sha-256\n")
    server.sql("SELECT pg_reload_conf()")
    eventually(lambda: server.sql("SHOW ssl") == "on")
    server.authority = authority[0]
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def url_of(server, options, password=PASSWORD, host="localhost"):
    return f"postgres://app:{password}@{host}:{server.port}/postgres?{options}"


def test_tls_with_a_password_by_scram(serve, secured):
    options = f"sslmode=verify-full&sslrootcert={secured.authority}&channel_binding=require"
    server = serve("sql.wasm", "--link", f"wasi:sql={url_of(secured, options)}")
    assert ask(
        server,
        "query SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        "query SELECT length(repeat('x', 3000000)) AS n, count(*) AS m FROM generate_series(1, 1000)",
        # What is counted on the way to the limit are TLS's records, too.
        "query SELECT a, a AS b FROM repeat('x', 40 * 1048576) AS a",
        "query SELECT 1 AS a",
    ) == [
        "ssl=boolean(true) version=str(TLSv1.3)", "n=int32(3000000) m=int64(1000)",
        "error: one row of the answer has more than 64 MiB; whether the statement took effect is not known"
        " (ask for less of it, as with substr())", "a=int32(1)",
    ]
    assert secured.sql("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'app'") == "t"


@pytest.mark.parametrize("options, host, password, said", [
    ("sslmode=disable", "127.0.0.1", PASSWORD, "no pg_hba.conf entry"),
    ("sslmode=verify-full&sslrootcert=AUTHORITY", "127.0.0.1", PASSWORD, "certificate"),
    ("sslmode=verify-full&sslrootcert=OTHER", "localhost", PASSWORD, "certificate"),
    ("sslmode=require", "localhost", PASSWORD + "0", "password authentication failed"),
    ("sslmode=require", "localhost", "", "no password supplied"),
])
def test_who_is_not_let_in_is_told_why(call, guests, secured, tmp_path, options, host, password, said):
    other, _ = make_authority(tmp_path)
    options = options.replace("AUTHORITY", str(secured.authority)).replace("OTHER", str(other))
    finished = call("run", guests / "sql.wasm", "--listen", "127.0.0.1:0", "--link",
                    f"wasi:sql={url_of(secured, options, password, host)}", cwd=tmp_path)
    assert finished.status == 1 and said in finished.err, finished
    assert PASSWORD not in finished.err


def test_a_password_is_never_shown(app, guests, secured):
    """Not by a command, in a log or in an error that a component sees."""
    app.write(f"name: bank\ncomponents:\n  bank:\n    image: {guests / 'sql.wasm'}\n    links: {{'wasi:sql': "
              f"'postgres://app:${{BANK_PASSWORD}}@localhost:{secured.port}/postgres?sslmode=require'}}\n")
    host = app.up(env={"BANK_PASSWORD": PASSWORD})
    (lost, broken) = ask(host, "exec SELECT pg_terminate_backend(pg_backend_pid())", "exec SELEC")
    assert lost.startswith("error: ") and broken.startswith("error: ")
    wrong = app.run("swap", "bank", f"wasi:sql={url_of(secured, 'sslmode=require', PASSWORD + 'x')}")
    assert wrong.status != 0 and "password authentication failed" in wrong.err, wrong
    away = app.run("swap", "bank", f"wasi:sql=postgres://app:{PASSWORD}@127.0.0.1:1/postgres?timeout=1s")
    assert away.status != 0, away
    shown = [lost, broken, wrong.out + wrong.err, away.out + away.err, host.log]
    for command in (["ps"], ["links"], ["logs"], ["ps", "-o", "json"], ["links", "-o", "json"]):
        finished = app.run(*command)
        shown.append(finished.out + finished.err)
    found = [text for text in shown if PASSWORD in text]
    assert not found, found
    stop_all(app.servers)


class Liar(socketserver.ThreadingTCPServer):
    """Speaks PostgreSQL's protocol as far as it must, and answers a statement as its text says."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self):
        self.sent = {}  # bytes of the endless answers
        super().__init__(("127.0.0.1", 0), LiarSession)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def described(*columns):
    body = b"".join(name + b"\0" + struct.pack("!ihihih", 0, 0, kind, -1, -1, 0) for name, kind in columns)
    return message(b"T", struct.pack("!h", len(columns)) + body)


def row(*values):
    body = b"".join(struct.pack("!i", len(value)) + value for value in values)
    return message(b"D", struct.pack("!h", len(values)) + body)


READY, DONE = message(b"Z", b"I"), message(b"C", b"SELECT 1\0")
CHUNK = bytes(1 << 20)


class LiarSession(socketserver.StreamRequestHandler):
    def take(self, count):
        data = self.rfile.read(count)
        if len(data) < count:
            raise ConnectionError
        return data

    def handle(self):
        try:
            self.greet()
            while True:
                self.answer(self.take(1), self.take(struct.unpack("!i", self.take(4))[0] - 4))
        except (ConnectionError, BrokenPipeError):
            pass

    def greet(self):
        while True:
            body = self.take(struct.unpack("!i", self.take(4))[0] - 4)
            version = struct.unpack("!i", body[:4])[0]
            if version == 80877102:  # a request to cancel
                raise ConnectionError
            if version not in (80877103, 80877104):  # TLS, GSSAPI
                break
            self.wfile.write(b"N")
        self.wfile.write(message(b"R", struct.pack("!i", 0)) + message(b"S", b"server_version\0" + b"15.0\0")
                         + message(b"S", b"client_encoding\0UTF8\0") + message(b"K", bytes(8)) + READY)

    def answer(self, kind, body):
        if kind == b"Q":
            self.wfile.write(message(b"C", b"SET\0") + READY)
        elif kind == b"P":
            self.name, self.statement = body.split(b"\0")[:2]
            self.statements = {**getattr(self, "statements", {}), self.name: self.statement}
            self.wfile.write(message(b"1"))
            self.prepared = True
        elif kind == b"B":
            self.statement = self.statements[body.split(b"\0")[1]]
            self.prepared = False
        elif kind == b"S" and self.prepared:
            self.wfile.write(READY)
        elif kind == b"S":
            self.wfile.write(message(b"2"))
            getattr(self, self.statement.decode())()
        elif kind == b"X":
            raise ConnectionError

    def rows(self, *sent):
        self.wfile.write(b"".join(sent) + DONE + READY)

    def endless(self, begin, repeated):
        self.wfile.write(begin)
        while True:
            self.wfile.write(repeated)
            name = self.statement.decode()
            self.server.sent[name] = self.server.sent.get(name, 0) + len(repeated)

    def good(self):
        self.rows(described((b"a", 23)), row(b"1"))

    def half(self):
        self.wfile.write(described((b"a", 25)) + row(b"whole") * 3 + message(b"D", bytes(1000))[:100])
        raise ConnectionError

    def huge(self):
        header = b"D" + struct.pack("!ihi", 1 << 30, 1, (1 << 30) - 10)
        self.endless(described((b"a", 25)) + header, CHUNK)

    def notices(self):
        self.endless(b"", message(b"N", b"SNOTICE\0VNOTICE\0C00000\0M" + b"x" * 100_000 + b"\0\0"))

    def ever(self):
        self.endless(described((b"a", 25)), row(b"x" * 1000) * 1000)

    def lies(self):
        self.rows(described((b"a", 23)), row(b"many"))

    def not_utf8(self):
        self.rows(described((b"a\xff", 25)), row(b"\xff\xfe"))

    def too_many(self):
        self.rows(described((b"a", 23)), row(b"1", b"2"))

    def junk(self):
        self.wfile.write(os.urandom(50_000))
        raise ConnectionError

    def silent(self):
        while True:
            self.take(1)


@pytest.fixture(scope="module")
def liar():
    server = Liar()
    yield server
    server.shutdown()
    server.server_close()


BROKEN = ["half", "huge", "notices", "ever", "lies", "not_utf8", "too_many", "junk", "silent"]


@pytest.mark.parametrize("guest, link", [("sql.wasm", "wasi:sql"), ("postgres.wasm", "wasmcloud:postgres")])
def test_a_server_that_keeps_to_nothing(serve, liar, guest, link):
    """Each answer is an error in time, in bounded memory, and the next statement is answered."""
    liar.sent = {}
    server = serve(guest, "--timeout", "60", "--link",
                   f"{link}=postgres://a:{PASSWORD}@127.0.0.1:{liar.port}/x?timeout=2s&sslmode=disable&connections=2")
    for statement in BROKEN:
        (bad,) = ask(server, f"query {statement}")
        assert "rror" in bad.split("(")[0], (statement, bad)
        (good,) = ask(server, "query good")
        assert good in ("a=int32(1)", "a=PgValue::Int4(1)"), (statement, good)
    assert PASSWORD not in server.log
    most = 16 if SANITIZED else 4
    # Rows without end are read and dropped until the statement's time is over; what is kept ends the session.
    kept = {name: count for name, count in liar.sent.items() if name != "ever"}
    # Sent is more than kept: buffers of both sides, and what comes while the session ends on a busy machine.
    assert all(count < (128 + 64 * most) << 20 for count in kept.values()), liar.sent


def test_a_transaction_that_an_error_ended(serve, secured, tmp_path):
    """What a component does without looking at the errors before is not done outside of its transaction."""
    for url in (f"sqlite:{tmp_path / 'app.db'}?", f"{secured.url}?"):
        server = serve("sql.wasm", "--link", f"wasi:sql={url}timeout=500ms")
        endless = "query WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 10 + 1 FROM n) SELECT count(*) FROM n"
        lines = ask(server, "exec CREATE TABLE ended (a INTEGER)", "exec BEGIN", "exec INSERT INTO ended VALUES (1)",
                    endless, "exec INSERT INTO ended VALUES (2)", "exec COMMIT", "query SELECT a FROM ended",
                    "exec BEGIN", endless, "exec INSERT INTO ended VALUES (3)", "exec ROLLBACK",
                    "exec INSERT INTO ended VALUES (4)", "query SELECT a FROM ended")
        assert lines == [
            "0", "0", "1", "error: the statement was ended: it took longer than 500 ms",
            "error: the transaction was rolled back before: the statement was ended: it took longer than 500 ms"
            " (nothing more is done in it: end it with ROLLBACK)",
            "error: the transaction was rolled back before: the statement was ended: it took longer than 500 ms"
            " (nothing of it was committed: begin again)",
            "",
            "0", "error: the statement was ended: it took longer than 500 ms",
            "error: the transaction was rolled back before: the statement was ended: it took longer than 500 ms"
            " (nothing more is done in it: end it with ROLLBACK)",
            "0", "1", "a=int32(4)",
        ], url
