"""wasi:sockets: a guest that connects, listens and looks up names, with real peers on loopback."""

import os
import re
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
            thread.start()
            self.threads.append(thread)

    def _run(self, connection):
        try:
            with connection:
                self.serve(connection)
        except Exception as error:  # noqa: BLE001 - told by close()
            self.failure = error

    def close(self):
        if self.socket.fileno() < 0:
            return
        # Also wakes who waits in accept.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(20 * PATIENCE)
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


# ---- TCP: both directions, ends and failures


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 on loopback")


@ipv6
def test_ipv6_connects_and_listens(guest, peer):
    server = peer(echo, host="::1")
    client = guest("tcp-client", server.address, "hello")
    client.line(rf"connected from \[::1\]:\d+ to \[::1\]:{server.port}")
    assert client.end() == ["answer hello"]
    listener = guest("tcp-echo-server", "[::1]:0", 1)
    with socket.create_connection(listener.listening(), 10 * PATIENCE) as connection:
        connection.sendall(b"hello")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b"hello"
    assert listener.end() == ["echoed 5"]


@ipv6
def test_an_ipv6_socket_takes_no_ipv4(guest):
    listener = guest("tcp-echo-server", "[::]:0", 1, flags=["--allow-listen", "*"])
    port = listener.listening()[1]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port), 5)
    with socket.create_connection(("::1", port), 5) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""
    assert listener.end() == ["echoed 0"]


def test_half_close(guest, peer):
    heard = []

    def answer_after_the_end(connection):
        heard.append(read_all(connection))
        connection.sendall(b"answer that is longer")

    client = guest("tcp-half-close", peer(answer_after_the_end).address)
    assert client.end() == [
        "shutdown send: ok",
        "again: ok",
        'check-write: Err("closed")',
        'write: Err("closed")',
        'flush: Err("closed")',
        'read: Ok("answ")',
        "shutdown receive: ok",
        'read: Err("closed")',
        'read 0: Err("closed")',
        "shutdown both: ok",
    ]
    assert heard == [b"question"]


def test_the_end_stays_the_end(guest, peer):
    client = guest("tcp-read-after-end", peer(lambda connection: connection.sendall(b"12345")).address)
    assert client.end() == ["read 5", *[f'{what}: Err("closed")' for what in ("read", "read 0", "blocking-read", "skip")]]


def test_a_reset_is_a_failure_and_then_the_end(guest, peer):
    go = threading.Event()

    def reset(connection):
        go.wait(10 * PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    client = guest("tcp-reset", peer(reset).address)
    client.line("connected")
    go.set()
    lines = client.end()
    assert lines[0] == "first read: failed: Connection reset by peer"
    assert lines[1].startswith("second read: ")
    assert lines[2:] == ["first write: failed: Broken pipe", "second write: closed"]


def test_a_peer_that_never_answers(guest, peer):
    done = threading.Event()
    client = guest("tcp-never-answers", peer(lambda _: done.wait(20)).address, 300)
    (line,) = client.end()
    done.set()
    match = re.fullmatch(r"answered false after (\d+) ms", line)
    assert match and 290 <= int(match[1]) < 2000 * PATIENCE


def test_much_goes_both_ways_at_once(guest, peer):
    client = guest("tcp-upload", peer(echo).address, 30_000_000)
    assert client.end(seconds=60) == ["sent 30000000, received 30000000, wrong 0"]


def pattern(count):
    period = bytes(i * 31 % 251 for i in range(251))
    return (period * (count // 251 + 1))[:count]


def test_a_guest_that_reads_late_holds_its_peer_back(guest, peer):
    count = 20_000_000
    sent = []

    def pour(connection):
        connection.setblocking(False)
        data = memoryview(pattern(count))
        began = time.monotonic()
        while time.monotonic() < began + 0.5:
            try:
                data = data[connection.send(data) :]
            except BlockingIOError:
                time.sleep(0.01)
        sent.append(count - len(data))
        connection.setblocking(True)
        connection.sendall(data)

    client = guest("tcp-slow-reader", peer(pour).address, 1000)
    assert client.end(seconds=60) == [f"read {count} right true"]
    assert sent[0] < count


def test_a_peer_that_reads_nothing_holds_the_guest_back(guest, peer):
    done = threading.Event()
    client = guest("tcp-fill", peer(lambda _: done.wait(20)).address)
    (line,) = client.end()
    done.set()
    # What the two kernels hold, and at most 64 KiB more.
    assert 0 < int(re.fullmatch(r"full after (\d+)", line)[1]) < 16_000_000


def test_what_was_written_arrives_when_the_guest_has_left(guest, peer):
    received = []

    def read_slowly(connection):
        time.sleep(0.5)
        received.append(read_all(connection))

    server = peer(read_slowly)
    client = guest("tcp-write-and-leave", server.address, 12_000_000)
    assert client.end(seconds=60) == ["wrote 12000000"]
    server.close()
    assert received[0] == pattern(12_000_000)


def test_splice_from_one_connection_to_another(guest, peer):
    received = []
    source = peer(lambda connection: connection.sendall(pattern(3_000_000)))
    sink = peer(lambda connection: received.append(read_all(connection)))
    client = guest("tcp-splice", source.address, sink.address)
    assert client.end() == ["spliced 3000000"]
    sink.close()
    assert received == [pattern(3_000_000)]


def test_a_thousand_connections_at_once_to_a_guest(guest):
    count = 100 if SANITIZED else 1000
    server = guest("tcp-echo-many", "127.0.0.1:0", count)
    address = server.listening()
    clients = [socket.create_connection(address, 20 * PATIENCE) for _ in range(count)]
    for number, client in enumerate(clients):
        client.sendall(b"%d\n" % number)
    for number, client in enumerate(clients):
        expected = b"%d\n" % number
        assert client.recv(100) == expected
    for client in clients:
        client.close()
    (line,) = server.end(seconds=60)
    assert re.fullmatch(rf"echoed \d+ bytes of {count} connections, {count} at once", line)


def test_a_thousand_connections_at_once_from_a_guest(guest, peer):
    count = 100 if SANITIZED else 1000
    client = guest("tcp-clients", peer(echo).address, count)
    assert client.end(seconds=60) == [f"connected {count}", f"answered {count}"]


def test_an_instance_has_so_many_sockets_and_no_more(guest):
    lines = guest("tcp-exhaust").end()
    assert lines == ["1024 sockets, then new-socket-limit", "after one is dropped: ok"]


def test_a_timer_that_is_always_ready_starves_no_socket(guest):
    assert guest("tcp-busy-poll", "127.0.0.1:0").end() == ["never starved"]


def test_a_parent_cannot_go_before_its_children(guest, peer):
    for command in (guest("tcp-drop-parent", peer(read_all).address), guest("udp-drop-parent")):
        assert command.end(1) == ["dropping the socket"]
        assert b"a resource cannot be dropped before its children" in command.err


def test_a_port_can_be_had_again_at_once(guest):
    assert guest("reuse", "127.0.0.1:0").end() == ["turn 0", "turn 1", "turn 2"]


def test_an_address_that_is_taken(guest):
    assert guest("in-use", "127.0.0.1:0").end() == ["the same again: address-in-use", "true"]


def privileged_ports():
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            return os.geteuid() != 0 and int(file.read()) > 81
    except OSError:
        return os.geteuid() != 0


def test_privileged_ports_are_the_systems_to_give(guest):
    allowed = {"access-denied"} if privileged_ports() else {"ok", "address-in-use"}
    (line,) = guest("addresses", "bind", "4/127.0.0.1:81").end()
    assert line.removeprefix("bind 4/127.0.0.1:81: ") in allowed


STATES = """
unbound: finish-bind=not-in-progress finish-connect=not-in-progress start-listen=invalid-state
 finish-listen=not-in-progress accept=invalid-state shutdown=invalid-state local-address=invalid-state
 remote-address=invalid-state is-listening=no backlog=ok keep-alive=ok hop-limit=ok buffer=ok
bind-started: start-bind=concurrency-conflict start-connect=concurrency-conflict finish-connect=not-in-progress
 start-listen=concurrency-conflict finish-listen=not-in-progress accept=invalid-state shutdown=invalid-state
 local-address=invalid-state remote-address=invalid-state is-listening=no backlog=ok keep-alive=ok hop-limit=ok
 buffer=ok
bound: start-bind=invalid-state finish-bind=not-in-progress finish-connect=not-in-progress
 finish-listen=not-in-progress accept=invalid-state shutdown=invalid-state local-address=ok
 remote-address=invalid-state is-listening=no backlog=ok keep-alive=ok hop-limit=ok buffer=ok
listen-started: start-bind=concurrency-conflict finish-bind=not-in-progress start-connect=concurrency-conflict
 finish-connect=not-in-progress start-listen=concurrency-conflict accept=invalid-state shutdown=invalid-state
 local-address=ok remote-address=invalid-state is-listening=no backlog=ok keep-alive=ok hop-limit=ok buffer=ok
listening: start-bind=invalid-state finish-bind=not-in-progress start-connect=invalid-state
 finish-connect=not-in-progress start-listen=invalid-state finish-listen=not-in-progress accept=would-block
 shutdown=invalid-state local-address=ok remote-address=invalid-state is-listening=yes backlog=ok keep-alive=ok
 hop-limit=ok buffer=ok
connecting: start-bind=concurrency-conflict finish-bind=not-in-progress start-connect=concurrency-conflict
 start-listen=concurrency-conflict finish-listen=not-in-progress accept=invalid-state shutdown=invalid-state
 local-address=ok remote-address=invalid-state is-listening=no backlog=invalid-state keep-alive=ok hop-limit=ok
 buffer=ok
connected: start-bind=invalid-state finish-bind=not-in-progress start-connect=invalid-state
 finish-connect=not-in-progress start-listen=invalid-state finish-listen=not-in-progress accept=invalid-state
 local-address=ok remote-address=ok is-listening=no backlog=invalid-state keep-alive=ok hop-limit=ok buffer=ok
accepted: start-bind=invalid-state finish-bind=not-in-progress start-connect=invalid-state
 finish-connect=not-in-progress start-listen=invalid-state finish-listen=not-in-progress accept=invalid-state
 shutdown=ok local-address=ok remote-address=ok is-listening=no backlog=invalid-state keep-alive=ok hop-limit=ok
 buffer=ok
closed: start-bind=invalid-state finish-bind=not-in-progress start-connect=invalid-state
 finish-connect=not-in-progress start-listen=invalid-state finish-listen=not-in-progress accept=invalid-state
 shutdown=invalid-state local-address=invalid-state remote-address=invalid-state is-listening=no
 backlog=invalid-state keep-alive=invalid-state hop-limit=invalid-state buffer=invalid-state
"""


@pytest.mark.parametrize("local", ["127.0.0.1:0", pytest.param("[::1]:0", marks=ipv6)])
def test_each_function_in_each_state(guest, local):
    assert guest("states", local).end() == STATES.replace("\n ", " ").split("\n")[1:-1]


@pytest.mark.parametrize("local", ["127.0.0.1:0", pytest.param("[::1]:0", marks=ipv6)])
def test_options_are_kept_clamped_and_inherited(guest, local):
    assert guest("options", local).end() == [
        "backlog 0: invalid-argument",
        "backlog max: ok",
        "idle 0: invalid-argument",
        "idle 1 ns: ok",
        "idle is Ok(1000000000)",
        "idle max: ok",
        "interval 0: invalid-argument",
        "interval max: ok",
        "count 0: invalid-argument",
        "count max: ok",
        "count is Ok(127)",
        "hop limit 0: invalid-argument",
        "receive buffer 0: invalid-argument",
        "receive buffer 1: ok",
        "receive buffer max: ok",
        "send buffer 0: invalid-argument",
        "send buffer max: ok",
        "set: true 42 43 44 45 true true",
        "inherited: true 42 43 44 45 true true",
        "and kept: true 42 43 44 45 true true",
        "hop limit of the next is Ok(50)",
    ]


ANYTHING = ["--allow-connect", "*", "--allow-listen", "*"]


def test_addresses_that_no_connection_can_have(guest):
    wrong = ["4/0.0.0.0:80", "4/127.0.0.1:0", "4/[::1]:80", "4/255.255.255.255:80", "4/224.0.0.1:80"]
    wrong += ["6/127.0.0.1:80", "6/[::ffff:127.0.0.1]:80", "6/[::127.0.0.1]:80", "6/[ff02::1]:80", "6/[::]:80"]
    lines = guest("addresses", "connect", *wrong, flags=ANYTHING).end()
    assert lines == [f"connect {address}: invalid-argument" for address in wrong]


def test_addresses_that_no_socket_can_have(guest):
    wrong = ["4/[::1]:0", "4/255.255.255.255:0", "4/224.0.0.1:0"]
    wrong += ["6/127.0.0.1:0", "6/[::ffff:127.0.0.1]:0", "6/[ff02::1]:0"]
    lines = guest("addresses", "bind", *wrong, "4/192.0.2.1:0", "6/[2001:db8::1]:0", flags=ANYTHING).end()
    assert lines[: len(wrong)] == [f"bind {address}: invalid-argument" for address in wrong]
    assert lines[len(wrong) :] == [
        "bind 4/192.0.2.1:0: address-not-bindable",
        "bind 6/[2001:db8::1]:0: address-not-bindable",
    ]


# ---- UDP


def datagram_socket(host=LOOPBACK):
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((host, 0))
    one.settimeout(10 * PATIENCE)
    return one


def bound(command):
    match = command.line(r"bound to \[?([0-9a-f.:]+?)\]?:(\d+)")
    return match[1], int(match[2])


@pytest.mark.parametrize("host", [LOOPBACK, pytest.param("::1", marks=ipv6)])
def test_datagrams_are_echoed(guest, host):
    server = guest("udp-echo", f"[{host}]:0" if ":" in host else f"{host}:0", 40)
    address = bound(server)
    with datagram_socket(host) as client:
        for number in range(40):
            text = b"x" * (number * 300)
            client.sendto(text, address)
            assert client.recv(65536) == text
    assert server.end() == ["echoed 40"]


def test_a_connected_socket_asks_its_peer(guest):
    with datagram_socket() as server:
        port = server.getsockname()[1]
        client = guest("udp-client", f"127.0.0.1:{port}", "question", "0.0.0.0:0", flags=["--allow-connect", LOOPBACK])
        client.line(rf"peer 127\.0\.0\.1:{port}")
        data, address = server.recvfrom(100)
        assert data == b"question"
        # Nobody else is heard.
        with datagram_socket() as other:
            other.sendto(b"forged", address)
        server.sendto(b"42", address)
        assert client.end() == [f"answer 42 from 127.0.0.1:{port}"]


def test_connecting_again_hears_only_the_new_peer(guest):
    server = guest("udp-reconnect", "127.0.0.1:0", 2)
    address = bound(server)
    with datagram_socket() as first, datagram_socket() as second:
        first.sendto(b"first", address)
        server.line("first is there")
        second.sendto(b"second", address)
        server.line("second is there")
        for one in (first, second):
            assert one.recv(100) == b"go"
        for text in (b"1", b"2"):
            first.sendto(b"first " + text, address)
        second.sendto(b"second 1", address)
        server.line("connected heard second 1")
        server.line("send to another: invalid-argument")
        server.line("send to the peer by name: ok")
        assert second.recv(100) == b"bye"
        server.line("remote-address: invalid-state")
        server.line("port kept true")
        for one in (first, second):
            assert one.recv(100) == b"end"
            one.sendto(b"again", address)
        assert server.end() == ["free again, heard again"] * 2


def test_the_rules_of_datagrams(guest):
    with datagram_socket() as peer_socket:
        peer_address = f"127.0.0.1:{peer_socket.getsockname()[1]}"
        lines = guest("udp-rules", "127.0.0.1:0", peer_address).end()
        sizes = [len(peer_socket.recv(65536)) for _ in range(3)]
    assert sizes == [65507, 0, 4]
    said = dict(line.rsplit(": ", 1) for line in lines if ": " in line and not line.startswith("old pair"))
    for what in ("finish-bind", "finish-bind twice"):
        assert said[what] == "not-in-progress"
    for what in ("stream unbound", "local-address", "remote-address", "stream while binding", "bind again"):
        assert said[what] == "invalid-state", what
    for what in ("hop limit 0", "receive buffer 0", "send buffer 0", "stream to nowhere", "stream to port 0"):
        assert said[what] == "invalid-argument", what
    for what in ("stream to another family", "send to nobody", "send to nowhere", "send to port 0"):
        assert said[what] == "invalid-argument", what
    assert said["send to another family"] == "invalid-argument"
    assert said["start-bind twice"] == "concurrency-conflict"
    assert said["same port"] == "address-in-use"
    assert said["send too much"] == "datagram-too-large"
    assert "hop limit is Ok(9)" in lines
    assert "receive buffer is Ok(65536)" in lines
    for what in ("receive 0", "receive none", "send nothing", "new pair"):
        assert said[what] == "Ok(0)", what
    assert said["check-send at least 1"] == "true"
    for what in ("send as much as goes", "send nothing at all"):
        assert said[what] == "1"
    assert said["a good one, then a bad one"] == "Ok(1)"
    assert [line.count("invalid-state") for line in lines if line.startswith("old pair")] == [2]


def test_sending_more_than_was_permitted_is_a_trap(guest):
    command = guest("udp-send-too-many", "127.0.0.1:9")
    assert command.end(1) == ["permitted 64"]
    assert b"send: 65 datagrams where check-send permits 64" in command.err


@pytest.mark.parametrize("host", [LOOPBACK, pytest.param("::1", marks=ipv6)])
def test_a_peer_that_is_not_there_is_told(guest, host):
    with datagram_socket(host) as gone:
        port = gone.getsockname()[1]
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    assert guest("udp-to-closed", address).end() == ["receive: connection-refused", "receive again: ok"]


# ---- What is not granted


def denials(command):
    return re.findall(r"denied: (.*)", command.err.decode())


def test_nothing_is_granted_by_default(guest):
    for arguments, what in [
        (("tcp-client", "127.0.0.1:80", "x"), "a TCP socket"),
        (("tcp-echo-server", "127.0.0.1:0"), "a TCP socket"),
        (("udp-client", "127.0.0.1:80", "x", "127.0.0.1:0"), "a UDP socket"),
    ]:
        command = guest(*arguments, flags=[])
        assert command.end(1) == ["error: access-denied"]
        assert denials(command) == [f"{what}; grant it with --allow-connect or --allow-listen"]
    command = guest("resolve", "localhost", "127.0.0.1", "::1", flags=[])
    assert command.end() == [f"{name}: access-denied" for name in ("localhost", "127.0.0.1", "::1")]
    assert denials(command)[0] == "looking up localhost; grant it with --allow-connect localhost"


def test_a_peer_that_no_grant_covers(guest, peer):
    server = peer(echo)
    port = server.port
    for flags in (
        ["--allow-connect", "127.0.0.2"],
        ["--allow-connect", f"127.0.0.1:{port + 1 if port < 65535 else 1}"],
        ["--allow-connect", "10.0.0.0/8"],
        ["--allow-connect", "[::1]"],
        ["--allow-connect", "localhost"],
        ["--allow-listen", "*"],
    ):
        client = guest("tcp-client", server.address, "x", flags=flags)
        assert client.end(1) == ["error: access-denied"]
        assert denials(client) == [f"reaching {server.address}; grant it with --allow-connect {server.address}"]
    for flags in (
        ["--allow-connect", server.address],
        ["--allow-connect", "127.0.0.0/8:1024-65535"],
        ["--grant", f"connect:*:{port}"],
    ):
        assert guest("tcp-client", server.address, "hello", flags=flags).end()[-1] == "answer hello"


def test_listening_where_no_grant_covers(guest):
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    for flags in (["--allow-connect", "*"], ["--allow-listen", "127.0.0.1:0"], ["--allow-listen", f"127.0.0.2:{port}"]):
        server = guest("tcp-echo-server", address, flags=flags)
        assert server.end(1) == ["error: access-denied"]
        assert denials(server) == [f"binding {address}; grant it with --allow-listen {address}"]
    # A client may have an address of its own, but nobody connects to it.
    server = guest("tcp-echo-server", "127.0.0.1:0", flags=["--allow-connect", "*"])
    assert server.end(1) == ["error: access-denied"]
    assert denials(server)[0].startswith("listening at 127.0.0.1:")
    server = guest("tcp-echo-server", address, flags=["--allow-listen", address])
    with socket.create_connection(server.listening(), 10) as client:
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
    assert server.end() == ["echoed 0"]


def test_datagrams_go_only_to_whom_a_grant_covers(guest):
    with datagram_socket() as friend, datagram_socket() as other:
        one, two = (f"127.0.0.1:{s.getsockname()[1]}" for s in (friend, other))
        command = guest("udp-send-to", "0.0.0.0:0", "hello", one, two, flags=["--allow-connect", one])
        bound_at = bound(command)
        assert command.end() == [f"send to {one}: ok", f"send to {two}: access-denied"]
        assert denials(command) == [f"reaching {two}; grant it with --allow-connect {two}"]
        assert bound_at[0] == "0.0.0.0"
        assert friend.recv(100) == b"hello"


def test_a_datagram_from_whom_no_grant_covers_is_dropped(guest):
    with datagram_socket() as friend, datagram_socket() as other:
        flags = ["--allow-connect", f"127.0.0.1:{friend.getsockname()[1]}"]
        command = guest("udp-listen", "127.0.0.1:0", 500, flags=flags)
        address = bound(command)
        for _ in range(10):
            other.sendto(b"unwanted", address)
        friend.sendto(b"wanted", address)
        assert command.end() == ["heard 6 bytes: wanted", "silence"]


def test_a_server_hears_anybody_and_answers_whom_it_heard(guest):
    with datagram_socket() as stranger:
        server = guest("udp-echo", "127.0.0.1:0", 1, flags=["--allow-listen", "127.0.0.1:0"])
        stranger.sendto(b"hello", bound(server))
        assert stranger.recv(100) == b"hello"
        assert server.end() == ["echoed 1"]
        # But speaks to nobody first.
        address = f"127.0.0.1:{stranger.getsockname()[1]}"
        server = guest("udp-send-to", "127.0.0.1:0", "x", address, flags=["--allow-listen", "127.0.0.1:0"])
        bound(server)
        assert server.end() == [f"send to {address}: access-denied"]


@pytest.mark.parametrize(
    "flags", [["--allow-connect", "a.*.b"], ["--allow-listen", "localhost"], ["--grant", "connect:10.0.0.1/8"]]
)
def test_a_grant_that_is_not_understood_is_an_error(call, guests, flags):
    finished = call("run", guests / GUEST, *flags)
    assert finished.status == 2
    assert flags[1].partition(":")[2] or flags[1] in finished.err


def test_refusals_do_not_flood_the_log(guest, peer):
    addresses = [f"4/10.0.0.{i % 250 + 1}:{i + 1}" for i in range(300)]
    command = guest("addresses", "connect", *addresses, flags=["--allow-connect", LOOPBACK])
    assert len(command.end()) == 300
    assert len(denials(command)) == 101


# ---- Names. A library that is loaded before the C library answers for it.

RESOLVER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  look_up *real = (look_up *)dlsym(RTLD_NEXT, "getaddrinfo");
  if (!name) return real(name, service, hints, out);
  if (strcmp(name, "slow.test") == 0) sleep(60);
  if (strcmp(name, "none.test") == 0) return EAI_NONAME;
  if (strcmp(name, "again.test") == 0) return EAI_AGAIN;
  if (strcmp(name, "fail.test") == 0) return EAI_FAIL;
  if (strcmp(name, "loopback.test") == 0) name = "127.0.0.1";
  if (strcmp(name, "second.test") == 0) name = "127.0.0.2";
  if (strcmp(name, "six.test") == 0) name = "::1";
  if (strcmp(name, "mapped.test") == 0) name = "::ffff:127.0.0.1";
  if (strcmp(name, "xn--bcher-kva.test") == 0) name = "127.0.0.3";
  return real(name, service, hints, out);
}
"""


@pytest.fixture(scope="session")
def resolver(tmp_path_factory):
    """The environment in which names are what the tests want them to be."""
    folder = tmp_path_factory.mktemp("resolver")
    (folder / "resolver.c").write_text(RESOLVER)
    library = folder / "resolver.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "resolver.c", "-ldl"], check=True)
    return {**os.environ, "LD_PRELOAD": str(library)}


@pytest.fixture
def names(unbolt, guests, resolver):
    """names("resolve", "loopback.test", flags=[…]): its lines, where it ends well."""

    def run(*arguments, flags, status=0):
        command = [unbolt, "run", guests / GUEST, *flags, "--", *arguments]
        done = subprocess.run(command, env=resolver, capture_output=True, timeout=30 * PATIENCE)
        assert done.returncode == status, done
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        return done.stdout.decode().splitlines()

    return run


def test_names_and_addresses_are_resolved(names):
    asked = ["loopback.test", "LOOPBACK.Test.", "six.test", "mapped.test", "b\u00fccher.test", "127.0.0.1", "::1"]
    asked += ["[::1]", "::ffff:1.2.3.4", "DEAD:BEEF::0", "0.0.0.0"]
    found = ["127.0.0.1", "127.0.0.1", "[::1]", "127.0.0.1", "127.0.0.3", "127.0.0.1", "[::1]"]
    found += ["[::1]", "1.2.3.4", "[dead:beef::]", "0.0.0.0"]
    lines = names("resolve", *asked, flags=["--allow-connect", "*"])
    assert lines == [f"{a}: {b}" for a, b in zip(asked, found, strict=True)]


def test_names_that_do_not_resolve(names):
    lines = names("resolve", "none.test", "again.test", "fail.test", flags=["--allow-connect", "*.test"])
    assert lines == [
        "none.test: name-unresolvable",
        "again.test: temporary-resolver-failure",
        "fail.test: permanent-resolver-failure",
    ]


def test_what_is_no_name(names):
    wrong = ["", " ", "a.b<&>", "127.0.0.1:80", "[::]:80", "http://example.com/", "127.1", "0x7f.1", "0x7f000001"]
    wrong += ["2130706433", "1.2.3.256", "a..b", ".a", "a b", "x" * 64 + ".test", ("x" * 60 + ".") * 5, "[127.0.0.1]"]
    wrong += ["fe80::1%lo", "xn--\u00fc", "x" * 100_000]
    lines = names("resolve", *wrong, flags=["--allow-connect", "*"])
    assert lines == [f"{name}: invalid-argument" for name in wrong]


def test_only_names_that_a_grant_covers_are_looked_up(names):
    flags = ["--allow-connect", "loopback.test:80", "--allow-connect", "*.six.test", "--allow-connect", "10.0.0.1"]
    lines = names("resolve", "loopback.test", "six.test", "second.test", flags=flags)
    assert lines == ["loopback.test: 127.0.0.1", "six.test: access-denied", "second.test: access-denied"]


def test_a_name_grants_the_addresses_that_the_host_found_for_it(names, peer):
    server = peer(echo)
    flags = ["--allow-connect", f"loopback.test:{server.port}", "--allow-connect", "second.test"]
    connected = [f"127.0.0.1:{server.port}: connected"]
    assert names("resolve-and-connect", "loopback.test", str(server.port), flags=flags) == connected
    other = server.port + 1 if server.port < 65535 else 1
    refused = [f"127.0.0.1:{other}: access-denied"]
    assert names("resolve-and-connect", "loopback.test", str(other), flags=flags) == refused
    # What another name has found is not granted with this one, and nothing is before it was looked up.
    assert names("tcp-client", server.address, "x", flags=flags, status=1) == ["error: access-denied"]
    assert names("resolve-and-connect", "second.test", str(server.port), flags=flags) == [
        f"127.0.0.2:{server.port}: connection-refused"
    ]


def test_look_ups_are_bounded_and_let_go(names):
    began = time.monotonic()
    lines = names("resolve-many", "slow.test", flags=["--allow-connect", "*"])
    assert lines == ["16 at once, then temporary-resolver-failure"]
    assert names("resolve-and-let-go", "slow.test", flags=["--allow-connect", "*"]) == ["at once: would-block", "let go"]
    assert time.monotonic() - began < 20, "leaving waits for no look-up"


# ---- Guests that are stopped while they wait: over HTTP, where the program goes on


HTTP_GUEST = "sockets-http.wasm"


@pytest.fixture
def full_listener():
    """Where a connection that is made stays in the making: nobody accepts, and the queue is full."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            waiting.append(one)
        time.sleep(0.1)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        for one in waiting:
            one.close()


def at_rest(server):
    """How many descriptors it has when it has served and nobody asks anything."""
    assert server.get("/udp-rules/127.0.0.1:0/127.0.0.1:9").status == 200
    time.sleep(0.3 * PATIENCE)
    return server.descriptors()


def test_a_deadline_ends_what_waits_and_leaves_no_descriptor(serve, peer, full_listener, resolver):
    done = threading.Event()
    silent = peer(lambda _: done.wait(30 * PATIENCE))
    server = serve(HTTP_GUEST, "--timeout", "1", "--allow-connect", "*", "--allow-listen", "*", env=resolver)
    paths = [
        f"/tcp-wait/connect/{full_listener}",
        "/tcp-wait/accept/127.0.0.1:0",
        f"/tcp-wait/read/{silent.address}",
        f"/tcp-wait/write/{silent.address}",
        "/udp-echo/127.0.0.1:0/1",
        "/resolve-and-wait/slow.test",
        "/sleep/60000",
    ]
    before = at_rest(server)
    results = {}

    def ask(path):
        began = time.monotonic()
        results[path] = (server.get(path).status, time.monotonic() - began)

    threads = [threading.Thread(target=ask, args=(path,)) for path in paths * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    assert {path: status for path, (status, _) in results.items()} == dict.fromkeys(paths, 504)
    assert all(0.9 < took < 5 * PATIENCE for _, took in results.values()), results
    deadline = time.monotonic() + 10 * PATIENCE
    while server.descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.descriptors() <= before


def test_a_client_that_leaves_ends_what_waits(serve, peer):
    done = threading.Event()
    silent = peer(lambda connection: done.wait(20 * PATIENCE))
    server = serve(HTTP_GUEST, "--allow-connect", "*", "--allow-listen", "*")
    before = at_rest(server)
    for path in ["/tcp-wait/accept/127.0.0.1:0", f"/tcp-wait/read/{silent.address}", "/udp-echo/127.0.0.1:0/1"]:
        connection = server.connect()
        connection.send_request("GET", path)
        deadline = time.monotonic() + 10 * PATIENCE
        while server.descriptors() <= before + 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.descriptors() > before + 1, path
        connection.close()
        while server.descriptors() > before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.descriptors() <= before, path
    done.set()


def test_a_slow_name_holds_up_nobody(serve, resolver):
    server = serve(HTTP_GUEST, "--timeout", "3", "--threads", "1", "--allow-connect", "*", env=resolver)
    waiting = []
    for _ in range(8):
        connection = server.connect()
        connection.send_request("GET", "/resolve-and-wait/slow.test")
        waiting.append(connection)
    for _ in range(20):
        began = time.monotonic()
        assert server.get("/resolve/127.0.0.1").text == "127.0.0.1: 127.0.0.1\n"
        assert time.monotonic() - began < 1 * PATIENCE
    for connection in waiting:
        assert connection.read_response().status == 504
        connection.close()


def test_guests_that_wait_cost_no_time(serve, peer):
    done = threading.Event()
    silent = peer(lambda connection: done.wait(30 * PATIENCE))
    server = serve(HTTP_GUEST, "--allow-connect", "*", "--max-instances", "256")
    waiting = []
    for i in range(100):
        connection = server.connect()
        connection.send_request("GET", "/sleep/20000" if i % 2 else f"/tcp-wait/read/{silent.address}")
        waiting.append(connection)
    time.sleep(1)
    before = server.cpu_seconds()
    time.sleep(2)
    assert server.cpu_seconds() - before < 0.2 * PATIENCE
    for connection in waiting:
        connection.close()
    done.set()


def test_an_instance_that_is_used_again_keeps_what_it_learnt_and_no_more(serve, peer, resolver):
    server = peer(echo)
    flags = ["--allow-connect", f"loopback.test:{server.port}", "--isolation"]
    path = f"/tcp-client/127.0.0.1:{server.port}/x"
    for isolation, status in (("fresh", 500), ("reused:10", 200)):
        host = serve(HTTP_GUEST, *flags, isolation, "--threads", "1", env=resolver)
        assert host.get(path).text == "error: access-denied\n"
        assert host.get("/resolve/loopback.test").text == "loopback.test: 127.0.0.1\n"
        assert host.get(path).status == status
