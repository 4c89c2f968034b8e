"""wasi:sockets: a guest that connects, listens and looks up names, with real peers on loopback."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import PATIENCE, SANITIZED

GUEST = "sockets.wasm"
LOOPBACK = "127.0.0.1"


class Command:
    """`unbolt run sockets.wasm -- …`, while it runs."""

    def __init__(self, unbolt, guest, flags, arguments):
        self.command = [str(unbolt), "run", str(guest), *flags, "--", *[str(a) for a in arguments]]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.err = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.err += line

    def line(self, pattern=".*", seconds=20):
        """The next line of standard output, which must be so."""
        timer = threading.Timer(seconds * PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline().decode().rstrip("\n")
        timer.cancel()
        match = re.fullmatch(pattern, line)
        assert match, f"{self.command}: {line!r} where {pattern!r} was expected; {self.err.decode()}"
        return match

    def listening(self):
        """Where the guest says that it listens."""
        match = self.line(r"listening on \[?([0-9a-f.:]+?)\]?:(\d+)")
        return match[1], int(match[2])

    def end(self, status=0, seconds=30):
        """Its remaining lines, once it has ended."""
        try:
            self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"{self.command}: still running; {self.err.decode()}") from None
        self.reader.join(5)
        out = self.process.stdout.read().decode()
        assert "Sanitizer" not in self.err.decode(), self.err.decode()
        assert self.process.returncode == status, (self.process.returncode, out, self.err.decode())
        return out.splitlines()

    def descriptors(self):
        return sorted(
            os.readlink(f"/proc/{self.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{self.process.pid}/fd")
        )

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def guest(unbolt, guests):
    """guest("tcp-client", "127.0.0.1:80", "hello"): the command under way, which may use all of loopback."""
    commands = []

    def start(*arguments, flags=None):
        if flags is None:
            flags = ["--allow-connect", "127.0.0.0/8", "--allow-connect", "::1"]
            flags += ["--allow-listen", LOOPBACK, "--allow-listen", "::1"]
        command = Command(unbolt, guests / GUEST, flags, arguments)
        commands.append(command)
        return command

    yield start
    for command in commands:
        command.kill()


class Peer:
    """A listening socket whose connections `serve(connection)` has, each in a thread of its own."""

    def __init__(self, serve, host=LOOPBACK, backlog=1024):
        self.socket = socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=backlog
        )
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.serve = serve
        self.failure = None
        self.threads = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _run(self, connection):
        try:
            with connection:
                self.serve(connection)
        except Exception as error:  # noqa: BLE001 - told by close()
            self.failure = error

    def close(self):
        self.socket.close()
        for thread in self.threads:
            thread.join(20 * PATIENCE)
        if self.failure:
            raise self.failure


@pytest.fixture
def peer():
    """peer(serve): a server of the test's own."""
    peers = []

    def start(serve, **options):
        one = Peer(serve, **options)
        peers.append(one)
        return one

    yield start
    for one in peers:
        one.close()


def read_all(connection):
    data = b""
    while part := connection.recv(65536):
        data += part
    return data


def echo(connection):
    while part := connection.recv(65536):
        connection.sendall(part)


def test_a_guest_connects_and_hears_its_echo(guest, peer):
    server = peer(echo)
    client = guest("tcp-client", server.address, "hello")
    client.line(rf"connected from 127\.0\.0\.1:\d+ to 127\.0\.0\.1:{server.port}")
    assert client.end() == ["answer hello"]


def test_a_guest_listens_and_echoes(guest):
    server = guest("tcp-echo-server", "127.0.0.1:0", 2)
    address = server.listening()
    for text in (b"first", b"x" * 1_000_000):
        with socket.create_connection(address, 10 * PATIENCE) as client:
            sender = threading.Thread(target=lambda: (client.sendall(text), client.shutdown(socket.SHUT_WR)))
            sender.start()
            assert read_all(client) == text
            sender.join()
    assert server.end() == ["echoed 5", "echoed 1000000"]


def test_a_refused_connection_says_so(guest):
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    client = guest("tcp-client", f"127.0.0.1:{port}", "hello")
    assert client.end(1) == ["error: connection-refused"]
