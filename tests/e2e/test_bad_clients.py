"""Clients that break the protocol, stop in the middle, or leave. Each gets its answer or loses its connection; the
program goes on, and keeps nothing of them."""

import time

import pytest

from conftest import eventually


@pytest.fixture
def server(serve):
    """Serves hello; after the test it still does, and holds no more descriptors than before."""
    server = serve("c-hello.wasm")
    assert server.get("/").body == b"hello\n"
    before = server.descriptors()
    yield server
    assert server.get("/").body == b"hello\n"
    assert eventually(lambda: server.descriptors() <= before), f"{server.descriptors()} descriptors, {before} before"


def refusal(server, request, statuses):
    """Sends bytes that no server should take; the connection must end after one answer of these statuses."""
    with server.connect() as connection:
        connection.send(request)
        response = connection.read_response()
        assert response.status in statuses, response
        assert connection.at_end()


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "request_bytes, statuses",
    [
        (b"\r\n\r\nnonsense\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n", {400}),
        (b"GET\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
        (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", {400, 505}),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
        (b"GET /\0x HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
        (b"G ET / HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon here\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nSpace : x\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", {400}),
        (HEAD + b"Content-Length: -1\r\n\r\n", {400}),
        (HEAD + b"Content-Length: 1x\r\n\r\nx", {400}),
        (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", {400, 413}),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", {400}),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", {400, 501}),
        (HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", {400, 501}),
    ],
    ids=lambda value: repr(value)[2:42] if isinstance(value, bytes) else "",
)
def test_a_request_that_is_none(server, request_bytes, statuses):
    refusal(server, request_bytes, statuses)


def test_a_huge_header(server):
    refusal(server, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", {431})


def test_many_headers(server):
    refusal(server, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: x\r\n" % i for i in range(50_000)) + b"\r\n", {431})


def test_a_huge_target(server):
    refusal(server, b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {414, 431})


def test_a_head_that_arrives_byte_by_byte(server):
    with server.connect() as connection:
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n":
            connection.send(bytes([byte]))
            time.sleep(0.002)
        assert connection.read_response().body == b"hello\n"


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n", HEAD + b"Content-Length: 10\r\n\r\nhalf"])
@pytest.mark.parametrize("farewell", ["close", "reset"])
def test_half_a_request(server, sent, farewell):
    for _ in range(20):
        connection = server.connect()
        connection.send(sent)
        getattr(connection, farewell)()


@pytest.mark.parametrize("farewell", ["close", "reset"])
def test_a_client_that_does_not_wait_for_its_answer(server, farewell):
    for _ in range(50):
        connection = server.connect()
        connection.send_request("GET", "/")
        getattr(connection, farewell)()


def test_clients_that_send_nothing_do_not_stand_in_the_way(server):
    silent = [server.connect() for _ in range(200)]
    assert server.get("/").body == b"hello\n"
    for connection in silent:
        connection.close()


def test_a_body_that_nobody_reads_does_not_hurt_the_next_request(server):
    with server.connect() as connection:
        for _ in range(3):
            connection.send_request("POST", "/", body=b"x" * 1000)
            assert connection.read_response().body == b"hello\n"


def test_a_large_body_that_nobody_reads(server):
    """The answer comes; then the server may read the rest or end the connection."""
    with server.connect() as connection:
        try:
            connection.send_request("POST", "/", body=b"x" * (8 << 20))
        except OSError:
            pass
        assert connection.read_response().body == b"hello\n"
