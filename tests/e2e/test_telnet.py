"""Telnet: a game that is played over raw sockets, under `unbolt run` and `unbolt up`, and clients that behave badly."""

import re
import signal
import socket
import subprocess
import time

import pytest

from conftest import PATIENCE, error_line, eventually

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
ECHO, GO_AHEAD, WINDOW = 1, 3, 31


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10 * PATIENCE)
        self.seen = b""

    def send(self, data):
        self.socket.sendall(data)

    def wait_for(self, data):
        while data not in self.seen:
            more = self.socket.recv(65536)
            assert more, f"ended without {data!r}: {self.seen[-2000:]!r}"
            self.seen += more
        return self.seen

    def rest(self):
        """What comes until the other side ends."""
        try:
            while more := self.socket.recv(65536):
                self.seen += more
        except ConnectionResetError:
            pass
        return self.seen


@pytest.fixture
def snake(unbolt, guests):
    process = subprocess.Popen([str(unbolt), "run", str(guests / "cpp-snake.wasm"), "--telnet", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    process.port = int(re.fullmatch(r"listening on telnet://127.0.0.1:(\d+)\n", line)[1])
    yield process
    process.kill()
    process.communicate()


def test_a_game_is_played(snake):
    client = Client(snake.port)
    client.send(bytes([IAC, WILL, WINDOW, IAC, SB, WINDOW, 0, 40, 0, 16, IAC, SE]))
    client.wait_for(b"Who plays? ")
    client.send(b"Ada\r\n")
    seen = client.wait_for(b" Ada: 0")
    assert bytes([IAC, WILL, ECHO]) in seen and bytes([IAC, WILL, GO_AHEAD]) in seen
    client.wait_for(b"+" + b"-" * 38 + b"+")
    client.send(bytes([IAC, DO, ECHO, IAC, DO, GO_AHEAD]))
    client.send(b"\x1b[A")
    time.sleep(0.3)
    client.send(b"q")
    assert b"Ada, that was" in client.rest()


def test_many_play_at_once(snake):
    clients = [Client(snake.port) for _ in range(50)]
    for number, client in enumerate(clients):
        client.send(b"P%d\r\n" % number)
    for number, client in enumerate(clients):
        client.wait_for(b" P%d: 0" % number)
        client.send(b"q")
    for number, client in enumerate(clients):
        assert b"P%d, that was" % number in client.rest()


@pytest.mark.parametrize("flood, reason", [
    (bytes([IAC, WILL, 99]) * 2000, b"negotiates without end"),
    (b"x" * 5000, b"this line is too long"),
    (b"\n" * 400_000, b"too much input"),
], ids=["commands", "line", "input"])
def test_floods_are_cut_off_and_others_play_on(snake, flood, reason):
    other = Client(snake.port)
    other.wait_for(b"Who plays? ")
    client = Client(snake.port)
    client.wait_for(b"Who plays? ")
    if reason == b"too much input":
        client.send(b"x\n")
    try:
        client.send(flood)
    except OSError:
        pass
    assert reason in client.rest()
    other.send(b"Bob\n")
    other.wait_for(b" Bob: 0")


def test_a_stop_tells_the_players(snake):
    client = Client(snake.port)
    client.wait_for(b"Who plays? ")
    snake.send_signal(signal.SIGTERM)
    assert b"the host ends this session" in client.rest()
    assert snake.wait(timeout=10 * PATIENCE) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_manifest_listens_and_a_session_ends_on_its_revision(app, guests):
    component = (guests / "cpp-snake.wasm").read_bytes()
    (app.folder / "snake.wasm").write_bytes(component)
    (app.folder / "next.wasm").write_bytes(component + b"\0\5\4note")  # another revision: a custom section more
    port = free_port()

    def write(image, idle):
        app.write(f"name: arcade\ncomponents:\n  snake:\n    image: {image}\n    limits: {{time: 2s}}\n"
                  f"listen: [{{telnet: '127.0.0.1:{port}', idle: {idle}}}]\n")

    write("snake.wasm", "60s")
    app.up()
    old = Client(port)
    old.wait_for(b"Who plays? ")
    write("next.wasm", "1s")
    applied = app.run("apply", "unbolt.yaml")
    assert applied.status == 0, applied
    late = Client(port)
    assert b"Who plays? " in late.rest() and b"goodbye" in late.seen  # the new bounds
    old.send(b"Eve\n")
    old.wait_for(b" Eve: 0")
    old.send(b"q")
    assert b"Eve, that was" in old.rest()
    # A listener that is taken away tells those who are there, and frees its port.
    write("next.wasm", "60s")
    assert app.run("apply", "unbolt.yaml").status == 0
    last = Client(port)
    last.wait_for(b"Who plays? ")
    app.write("name: arcade\ncomponents:\n  snake:\n    image: next.wasm\n    limits: {time: 2s}\n")
    assert app.run("apply", "unbolt.yaml").status == 0
    assert b"the host ends this session" in last.rest()
    with pytest.raises(ConnectionRefusedError):
        Client(port)


def test_a_listener_that_cannot_be_is_refused(app, guests, call):
    (app.folder / "hello.wasm").write_bytes((guests / "c-hello.wasm").read_bytes())
    app.write("name: arcade\ncomponents:\n  hello: hello.wasm\nlisten: [{telnet: '127.0.0.1:0'}]\n")
    finished = call("up", app.folder / "unbolt.yaml", "--listen", "127.0.0.1:0")
    assert finished.status == 1
    assert "telnet 127.0.0.1:0 leads to hello, which answers no telnet" in error_line(finished)


@pytest.fixture
def odd(app, guests):
    """A component whose sessions trap, loop or flood when they are told so."""
    port = free_port()
    app.write(f"name: odd\ncomponents:\n  odd:\n    image: {guests / 'telnet.wasm'}\n    limits: {{time: 1s}}\n"
              f"listen: [{{telnet: '127.0.0.1:{port}', stalled: 1s, sessions: 3}}]\n")
    host = app.up()
    host.telnet = port
    return host


@pytest.mark.parametrize("word, reason", [("trap", "unreachable"), ("loop", "computed for too long")])
def test_a_session_that_fails_ends_alone(app, odd, word, reason):
    other, client = Client(odd.telnet), Client(odd.telnet)
    for each in [other, client]:
        each.wait_for(b"ready")
    begin = time.monotonic()
    client.send(word.encode() + b"\r\n")
    client.rest()
    assert time.monotonic() - begin < 5 * PATIENCE
    assert eventually(lambda: reason in odd.log, 10 * PATIENCE), odd.log
    other.send(b"still here?\r\n")
    other.wait_for(b"still here?")
    third = Client(odd.telnet)
    third.wait_for(b"ready")


def test_a_client_that_does_not_read_is_cut_off(app, odd):
    other, client = Client(odd.telnet), Client(odd.telnet)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.wait_for(b"ready")
    client.send(b"flood\r\n")
    assert eventually(lambda: "the client does not read" in odd.log, 10 * PATIENCE), odd.log
    assert eventually(lambda: app.status()["listeners"][0]["sessions"] == 1, 10 * PATIENCE)
    other.wait_for(b"ready")
    other.send(b"still here?\r\n")
    other.wait_for(b"still here?")


def test_sessions_are_shown_and_bounded(app, odd):
    clients = [Client(odd.telnet) for _ in range(3)]
    for client in clients:
        client.wait_for(b"ready")
    late = Client(odd.telnet)
    assert b"too many sessions" in late.rest()
    listener = app.status()["listeners"][0]
    assert listener == {"telnet": f"127.0.0.1:{odd.telnet}", "to": "odd", "sessions": 3, "most": 3}
    shown = app.run("ps").out
    assert f"telnet://127.0.0.1:{odd.telnet}" in shown and "3 of 3 sessions" in shown
