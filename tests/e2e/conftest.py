"""What the end-to-end tests share: the program, the guests, a server under test, and HTTP as bytes."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

SANITIZED = bool(os.environ.get("UNBOLT_SANITIZE"))
# Sanitized programs and busy machines are slow; a test that waits for something asks for this much more.
PATIENCE = 6 if SANITIZED else 2


@pytest.fixture(scope="session")
def unbolt():
    """The program under test."""
    path = pathlib.Path(os.environ.get("UNBOLT", "build/unbolt")).resolve()
    assert path.is_file(), f"{path}: no program; make build"
    return path


@pytest.fixture(scope="session")
def guests():
    """The folder of the guests that scripts/build_guests.sh builds; `guests / "c_hello.wasm"`."""
    path = pathlib.Path(os.environ.get("UNBOLT_GUESTS", "build/guests")).resolve()
    assert path.is_dir(), f"{path}: no guests; scripts/build_guests.sh"
    return path


class Response:
    def __init__(self, status, headers, body, trailers):
        self.status = status
        self.headers = headers  # names in lower case; a repeated one joined by ", "
        self.body = body
        self.trailers = trailers

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Connection:
    """One TCP connection to a server, with requests and responses as bytes: a test may stop anywhere between."""

    def __init__(self, host, port, timeout=10.0):
        self.socket = socket.create_connection((host, port), timeout=timeout * PATIENCE)
        self.pending = b""

    def close(self):
        self.socket.close()

    def reset(self):
        """Leaves at once, without the usual end of a connection (RST)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_request(self, method, path, headers=None, body=None):
        lines = [f"{method} {path} HTTP/1.1", "Host: test.example"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))

    def send_chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def more(self):
        """Reads what is there; b"" at the end of the stream."""
        data = self.socket.recv(65536)
        self.pending += data
        return data

    def read_until(self, mark):
        while mark not in self.pending:
            if not self.more():
                raise EOFError(f"the connection ended after {self.pending[:200]!r}")
        head, _, self.pending = self.pending.partition(mark)
        return head

    def read_exactly(self, count):
        while len(self.pending) < count:
            if not self.more():
                raise EOFError(f"the connection ended {count - len(self.pending)} bytes early")
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def read_fields(self):
        fields = {}
        while line := self.read_until(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            name, value = name.lower(), value.strip()
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return fields

    def read_head(self):
        """Status and headers of the next response."""
        line = self.read_until(b"\r\n").decode("latin-1")
        match = re.fullmatch(r"HTTP/1\.1 (\d\d\d)(?: (.*))?", line)
        assert match, f"no status line: {line!r}"
        return int(match[1]), self.read_fields()

    def read_chunk(self):
        """The next chunk of a chunked body; b"" is the last one, whose trailers are still to be read."""
        size = int(self.read_until(b"\r\n").split(b";")[0], 16)
        if size == 0:
            return b""
        data = self.read_exactly(size)
        assert self.read_exactly(2) == b"\r\n"
        return data

    def read_response(self, method="GET"):
        status, headers = self.read_head()
        trailers = {}
        if method == "HEAD" or status in (204, 304) or status < 200:
            body = b""
        elif "chunked" in headers.get("transfer-encoding", ""):
            chunks = []
            while chunk := self.read_chunk():
                chunks.append(chunk)
            body = b"".join(chunks)
            trailers = self.read_fields()
        elif "content-length" in headers:
            body = self.read_exactly(int(headers["content-length"]))
        else:
            while self.more():
                pass
            body, self.pending = self.pending, b""
        return Response(status, headers, body, trailers)

    def at_end(self):
        """True once the other side has closed, and nothing came before."""
        try:
            return not self.pending and self.more() == b""
        except ConnectionResetError:
            return True


class Server:
    """`unbolt run` or `unbolt up` on a free port, from `listening on` to the exit status."""

    def __init__(self, unbolt, arguments, listen="127.0.0.1:0", env=None, cwd=None, command="run"):
        self.command = [str(unbolt), command, *[str(a) for a in arguments]]
        if listen:
            split = self.command.index("--") if "--" in self.command else len(self.command)
            self.command[split:split] = ["--listen", listen]
        self.lines = []  # what it wrote to standard output and standard error, in the order of arrival
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
        self.readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self.readers:
            reader.start()
        match = self.wait_for_log(r"listening on http://(\S+):(\d+)", 60)
        self.host, self.port = match[1].strip("[]"), int(match[2])

    def _read(self, stream):
        for line in stream:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    @property
    def log(self):
        with self.changed:
            return "\n".join(self.lines)

    def wait_for_log(self, pattern, seconds=10):
        """The first match of `pattern` in what the program wrote; fails when it ends or stays silent."""
        deadline = time.monotonic() + seconds * PATIENCE
        with self.changed:
            while True:
                if match := re.search(pattern, "\n".join(self.lines)):
                    return match
                left = deadline - time.monotonic()
                ended = self.process.poll() is not None and not any(r.is_alive() for r in self.readers)
                if left <= 0 or ended:
                    self.process.kill()
                    what = f"exit status {self.process.wait()}" if ended else f"{seconds} s"
                    raise AssertionError(
                        f"{self.command}: no {pattern!r} after {what}; it wrote:\n" + "\n".join(self.lines)
                    )
                self.changed.wait(min(left, 0.2))

    def connect(self, timeout=10.0):
        return Connection(self.host, self.port, timeout)

    def request(self, method, path, body=None, headers=None, timeout=10.0):
        with self.connect(timeout) as connection:
            connection.send_request(method, path, {"Connection": "close", **(headers or {})}, body)
            return connection.read_response(method)

    def get(self, path="/", **options):
        return self.request("GET", path, **options)

    def resident_kib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        """CPU time that the process has taken, of all its threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def running(self):
        return self.process.poll() is None

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=20):
        try:
            status = self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command}: still running after {seconds} s; it wrote:\n{self.log}") from None
        for reader in self.readers:
            reader.join(5)
        return status

    def stop(self):
        """SIGTERM; the program drains, exits 0, and no sanitizer has spoken."""
        self.terminate()
        status = self.wait()
        assert status == 0, f"{self.command}: exit status {status} after SIGTERM; it wrote:\n{self.log}"
        assert "Sanitizer" not in self.log, self.log


@pytest.fixture
def serve(unbolt, guests):
    """serve("c_hello.wasm", "--isolation", "reused:10"): a running server; stopped and checked after the test."""
    servers = []

    def start(guest, *arguments, **options):
        path = pathlib.Path(guest)
        server = Server(unbolt, [path if path.is_absolute() else guests / guest, *arguments], **options)
        servers.append(server)
        return server

    yield start
    stop_all(servers)


def stop_all(servers):
    """Stops those that still run; fails where one of them ended badly."""
    failure = None
    for server in servers:
        if server.running():
            try:
                server.stop()
            except AssertionError as error:
                failure = failure or error
        elif server.process.returncode not in (0, -signal.SIGKILL):
            failure = failure or AssertionError(
                f"{server.command}: exit status {server.process.returncode}; it wrote:\n{server.log}"
            )
    if failure:
        raise failure


class App:
    """An application in a folder of its own, run by `unbolt up`, and the commands that speak to its host."""

    def __init__(self, unbolt, call, folder):
        self.unbolt, self.call, self.folder = unbolt, call, folder
        self.env = {"XDG_STATE_HOME": str(folder / "state")}
        self.servers = []

    def write(self, text, name="unbolt.yaml"):
        (self.folder / name).write_text(text)

    def up(self, *arguments, env=None):
        server = Server(self.unbolt, arguments, env={**self.env, **(env or {})}, cwd=self.folder, command="up")
        self.servers.append(server)
        return server

    def run(self, *arguments, seconds=60):
        """Any command, in the application's folder."""
        return self.call(*arguments, env=self.env, cwd=self.folder, seconds=seconds)

    def ask(self, *arguments, seconds=60):
        """A command that must succeed: its lines of JSON."""
        finished = self.run(*arguments, "-o", "json", seconds=seconds)
        assert finished.status == 0, finished
        return [json.loads(line) for line in finished.out.splitlines()]

    def swap(self, *arguments, seconds=60):
        """The report of a swap that must succeed."""
        (line,) = self.ask("swap", *arguments, seconds=seconds)
        return line["changed"]

    def status(self):
        (line,) = self.ask("ps")
        return line

    def component(self, name):
        (found,) = [c for c in self.status()["components"] if c["name"] == name]
        return found


@pytest.fixture
def app(unbolt, call):
    # The path of a socket is short; pytest's folders are not always.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="unbolt-"))
    application = App(unbolt, call, folder)
    yield application
    stop_all(application.servers)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start(app):
    """start(servers.Redis, "redis"): a server in a folder of its own, stopped after the test."""
    started = []

    def run(kind, name):
        server = kind(app.folder / name)
        started.append(server)
        return server.start()

    yield run
    stop_all(app.servers)
    for server in started:
        server.stop()


class Finished:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def __repr__(self):
        return f"<exit status {self.status}\nout: {self.out[-2000:]!r}\nerr: {self.err[-2000:]!r}>"


@pytest.fixture
def call(unbolt):
    """call("inspect", path): runs the program to its end."""

    def run(*arguments, stdin=b"", seconds=30, env=None, cwd=None):
        process = subprocess.run(
            [str(unbolt), *[str(a) for a in arguments]],
            input=stdin,
            capture_output=True,
            timeout=seconds * PATIENCE,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
        finished = Finished(process)
        finished.out, finished.err = finished.out.decode(errors="replace"), finished.err.decode(errors="replace")
        assert process.returncode >= 0, f"killed by signal {-process.returncode}: {finished}"
        assert "Sanitizer" not in finished.err, finished
        return finished

    return run


def error_line(finished):
    """The first line that says `error: `, which there must be."""
    lines = [line for line in finished.err.splitlines() if line.startswith("error: ")]
    assert lines, f"no `error: ` line: {finished}"
    return lines[0]


def eventually(condition, seconds=5):
    """Waits until `condition()` holds; its last value."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value
