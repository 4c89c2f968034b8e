"""Bodies that stream: whole, in time, no faster than their reader, and gone when it leaves."""

import socket
import threading
import time

import pytest

from conftest import SANITIZED, eventually

MIB = 1 << 20
# What may wait between a guest and a client that does not read, on this side of the kernel.
ROOM_KIB = (96 if SANITIZED else 32) * 1024


def pattern(count):
    block = bytes(ord("a") + i % 26 for i in range(65536))
    return (block * (count // 65536 + 1))[:count]


@pytest.fixture
def server(serve):
    """Serves the hostile guest; after the test it still does, and holds no more descriptors than before."""
    server = serve("hostile.wasm", "--threads", "2")
    assert server.get("/hello").status == 200
    before = server.descriptors()
    yield server
    assert server.get("/hello").body == b"hello\n"
    assert eventually(lambda: server.descriptors() <= before), f"{server.descriptors()} descriptors, {before} before"


def idle(server):
    """True if the program computes nothing."""
    before = server.cpu_seconds()
    time.sleep(0.3)
    return server.cpu_seconds() - before < 0.1


# --- responses


@pytest.mark.parametrize("count", [0, 1, 4096, 65535, 65536, 65537, MIB, 20 * MIB + 7])
@pytest.mark.parametrize("length", [0, 1])
def test_a_response_arrives_whole(server, count, length):
    response = server.get(f"/stream?bytes={count}&length={length}", timeout=60)
    assert response.status == 200
    assert len(response.body) == count
    # The guest starts its pattern anew with each write, whose size is the host's choice.
    assert set(response.body) <= set(pattern(26))
    if length:
        assert response.headers["content-length"] == str(count)
        assert "transfer-encoding" not in response.headers
    elif count >= MIB:
        assert response.headers.get("transfer-encoding") == "chunked"


def test_a_client_of_http_1_0_gets_no_chunks(server):
    with server.connect() as connection:
        connection.send(b"GET /stream?bytes=100000 HTTP/1.0\r\nHost: a\r\n\r\n")
        status, headers = connection.read_head()
        assert status == 200 and "transfer-encoding" not in headers
        while connection.more():
            pass
        assert len(connection.pending) == 100000


def test_the_first_half_arrives_before_the_second(server):
    with server.connect() as connection:
        started = time.monotonic()
        connection.send_request("GET", "/sleep-in-middle?ms=700")
        assert connection.read_head()[0] == 200
        first = connection.read_chunk()
        early = time.monotonic() - started
        second = b""
        while chunk := connection.read_chunk():
            second += chunk
        late = time.monotonic() - started
        connection.read_fields()
    assert first == b"first half, " and second == b"second half\n"
    assert early < 0.6 <= late


def test_trailers(server):
    response = server.get("/trailers", headers={"TE": "trailers"})
    assert response.body == b"with trailers\n"
    assert response.trailers == {"x-checksum": "c0ffee"}


def test_a_response_that_breaks_off_looks_like_it(server):
    with server.connect() as connection:
        connection.send_request("GET", "/abort-mid-body")
        try:
            response = connection.read_response()
        except (EOFError, ConnectionError):
            return
        assert response.status == 500, response


@pytest.mark.parametrize("count", [4 * MIB, 64 << 30])
def test_a_client_that_does_not_read_costs_little(server, count):
    before = server.resident_kib()
    connections = [server.connect() for _ in range(4)]
    for connection in connections:
        connection.send_request("GET", f"/stream?bytes={count}")
    time.sleep(1)
    assert server.resident_kib() - before < ROOM_KIB
    assert eventually(lambda: idle(server)), "the guest is not held back"
    for connection in connections:
        connection.reset()
    assert eventually(lambda: idle(server))


def test_a_slow_reader_gets_it_all(server):
    with server.connect(60) as connection:
        connection.send_request("GET", f"/stream?bytes={16 * MIB}&length=1")
        _, headers = connection.read_head()
        left = int(headers["content-length"]) - len(connection.pending)
        while left > 0:
            left -= len(connection.socket.recv(MIB))
            time.sleep(0.01)
        assert left == 0


@pytest.mark.parametrize("farewell", ["close", "reset"])
def test_a_client_that_leaves_in_the_middle_of_a_response(server, farewell):
    for _ in range(20):
        connection = server.connect()
        connection.send_request("GET", "/stream?bytes=1000000000000")
        connection.more()
        getattr(connection, farewell)()
    assert eventually(lambda: idle(server), 20), "guests write for nobody"


def test_clients_that_leave_while_a_guest_waits(server):
    before = server.resident_kib()
    for _ in range(10):
        connections = [server.connect() for _ in range(50)]
        for connection in connections:
            connection.send_request("GET", "/hang")
        time.sleep(0.05)
        for connection in connections:
            connection.reset()
    assert server.get("/hello").status == 200
    assert server.resident_kib() - before < 4 * ROOM_KIB


@pytest.mark.parametrize("say, send", [(10, 5), (100000, 1)])
def test_less_than_was_said_is_no_whole_response(server, say, send):
    with pytest.raises((EOFError, ConnectionError)):
        response = server.get(f"/length?say={say}&send={send}")
        assert response.status == 500, response
        raise EOFError


def test_more_than_was_said_does_not_reach_the_client(server):
    with server.connect() as connection:
        connection.send_request("GET", "/length?say=5&send=10")
        response = connection.read_response()
        assert response.status == 500 or response.body == b"xxxxx"
        # Either the connection ends here, or it is fit for the next request.
        try:
            connection.send_request("GET", "/hello")
            assert connection.read_response().body == b"hello\n"
        except (EOFError, ConnectionError):
            pass


# --- requests


@pytest.mark.parametrize("count", [0, 1, 65536, 65537, 20 * MIB + 7])
def test_a_request_arrives_whole(server, count):
    assert server.request("POST", "/sink", body=b"x" * count, timeout=60).text == f"{count} bytes\n"


def test_a_chunked_request_arrives_whole(server):
    with server.connect() as connection:
        connection.send_request("POST", "/sink", {"Transfer-Encoding": "chunked"})
        total = 0
        for size in [1, 10, 5000, 70000]:
            connection.send_chunk(b"x" * size)
            total += size
        connection.send(b"0\r\nX-Trailer: yes\r\n\r\n")
        assert connection.read_response().text == f"{total} bytes\n"
        connection.send_request("GET", "/hello")
        assert connection.read_response().body == b"hello\n"


def test_chunk_extensions_are_read_over(server):
    with server.connect() as connection:
        connection.send_request("POST", "/sink", {"Transfer-Encoding": "chunked"})
        connection.send(b'5;name="va;lue"\r\nhello\r\n0\r\n\r\n')
        assert connection.read_response().text == "5 bytes\n"


def test_expect_100_continue(server):
    with server.connect() as connection:
        connection.send(b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert connection.read_head()[0] == 100
        connection.send(b"four")
        assert connection.read_response().text == "4 bytes\n"


def test_expect_100_continue_for_a_body_that_nobody_wants(server):
    with server.connect() as connection:
        connection.send(b"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert connection.read_head()[0] in (100, 200)


@pytest.mark.parametrize(
    "chunk",
    [b"zz\r\nhello\r\n", b"\r\n", b"-5\r\nhello\r\n", b"5\r\nhelloXX", b"ffffffffffffffffff\r\n", b"5" * 70000, b"5 \n"],
    ids=["letters", "nothing", "negative", "no end", "too large", "endless", "bare newline"],
)
def test_a_bad_chunk(server, chunk):
    """The guest is told of an error, or the client gets a 400; nobody is told that the body was whole."""
    with server.connect() as connection:
        connection.send_request("POST", "/sink", {"Transfer-Encoding": "chunked"})
        connection.send_chunk(b"good")
        try:
            connection.send(chunk)
            connection.socket.shutdown(socket.SHUT_WR)
            response = connection.read_response()
        except (EOFError, ConnectionError):
            return
        assert response.status == 400 or "then an error" in response.text, response


def test_half_a_request_body(server):
    with server.connect() as connection:
        connection.send(b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf of it")
        connection.socket.shutdown(socket.SHUT_WR)
        try:
            response = connection.read_response()
        except (EOFError, ConnectionError):
            return
        assert response.status == 400 or response.text == "10 bytes, then an error\n", response


@pytest.mark.parametrize("farewell", ["close", "reset"])
def test_a_client_that_leaves_in_the_middle_of_a_request(server, farewell):
    for _ in range(20):
        connection = server.connect()
        connection.send(b"POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        getattr(connection, farewell)()
    assert eventually(lambda: idle(server))


def test_a_guest_that_reads_slowly_holds_its_client_back(server):
    before = server.resident_kib()
    connection = server.connect()
    connection.send(b"POST /sink?pause-ms=1000 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
    connection.socket.setblocking(False)
    sent, block = 0, b"x" * MIB
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 1 and sent < 200 * MIB:
        try:
            sent += connection.socket.send(block)
            quiet_since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    # Two socket buffers of the kernel, and some.
    assert sent < 32 * MIB
    assert server.resident_kib() - before < ROOM_KIB
    connection.reset()


def test_many_streams_at_once(server):
    totals = []

    def read():
        totals.append(len(server.get(f"/stream?bytes={4 * MIB}", timeout=60).body))

    threads = [threading.Thread(target=read) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals == [4 * MIB] * 16


# --- both at once, through examples/rust-echo


@pytest.fixture
def echo(serve):
    return serve("rust-echo.wasm")


def test_a_body_and_its_fields_come_back(echo):
    body = bytes(range(256)) * 20_000
    response = echo.request("POST", "/", body=body, headers={"X-Mine": "yes", "Content-Type": "a/b"}, timeout=60)
    assert response.status == 200
    assert response.body == body
    assert response.headers["x-mine"] == "yes" and response.headers["content-type"] == "a/b"


def test_each_piece_comes_back_before_the_next_is_sent(echo):
    with echo.connect() as connection:
        connection.send_request("POST", "/", {"Transfer-Encoding": "chunked"})
        for piece in [b"one", b"two" * 1000, b"three"]:
            connection.send_chunk(piece)
            if piece == b"one":
                assert connection.read_head()[0] == 200
            back = b""
            while len(back) < len(piece):
                back += connection.read_chunk()
            assert back == piece
        connection.send(b"0\r\n\r\n")
        assert connection.read_chunk() == b""


def test_trailers_come_back(echo):
    with echo.connect() as connection:
        connection.send_request("POST", "/", {"Transfer-Encoding": "chunked", "TE": "trailers", "Trailer": "X-Sum"})
        connection.send_chunk(b"body")
        connection.send(b"0\r\nX-Sum: 42\r\n\r\n")
        response = connection.read_response()
    assert response.body == b"body"
    assert response.trailers == {"x-sum": "42"}


def test_an_echo_whose_client_reads_nothing_is_held_back(echo):
    assert echo.get("/").status == 200
    before = echo.resident_kib()
    connection = echo.connect()
    connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n")
    connection.socket.setblocking(False)
    sent, block, quiet_since = 0, b"x" * MIB, time.monotonic()
    while time.monotonic() - quiet_since < 1 and sent < 400 * MIB:
        try:
            sent += connection.socket.send(block)
            quiet_since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    assert sent < 64 * MIB
    assert echo.resident_kib() - before < ROOM_KIB
    connection.reset()
    assert eventually(lambda: idle(echo))
