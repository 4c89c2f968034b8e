"""`unbolt run` on a component that exports an HTTP handler: start, answers, state, end."""

import concurrent.futures
import re
import signal
import socket
import time

import pytest

from conftest import Connection


def test_hello_answers(serve):
    response = serve("c-hello.wasm").get("/")
    assert (response.status, response.body) == (200, b"hello\n")


@pytest.mark.parametrize("guest", ["c-hello.wasm", "rust-hello.wasm"])
def test_examples_answer(serve, guest):
    server = serve(guest)
    for _ in range(3):
        response = server.get("/")
        assert response.status == 200
        assert "hello" in response.text.lower()


def test_ready_line_names_the_port_that_was_chosen(serve):
    server = serve("c-hello.wasm")
    assert server.host == "127.0.0.1"
    assert 1024 <= server.port <= 65535
    assert len(re.findall(r"listening on http://", server.log)) == 1


def test_listens_on_the_port_that_was_asked_for(serve):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = serve("c-hello.wasm", listen=f"127.0.0.1:{port}")
    assert server.port == port
    assert server.get("/").status == 200


def test_listens_on_ipv6(serve):
    server = serve("c-hello.wasm", listen="[::1]:0")
    assert server.host == "::1"
    assert server.get("/").status == 200


def test_one_connection_serves_many_requests(serve):
    server = serve("c-hello.wasm")
    with server.connect() as connection:
        for _ in range(50):
            connection.send_request("GET", "/")
            assert connection.read_response().body == b"hello\n"


def test_connection_close_is_obeyed(serve):
    server = serve("c-hello.wasm")
    with server.connect() as connection:
        connection.send_request("GET", "/", {"Connection": "close"})
        assert connection.read_response().status == 200
        assert connection.at_end()


def test_pipelined_requests_are_answered_in_order(serve):
    server = serve("cpp-counter.wasm")
    with server.connect() as connection:
        connection.send(b"".join(b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n" for _ in range(5)))
        numbers = [int(re.search(r"\d+", connection.read_response().text)[0]) for _ in range(5)]
    assert numbers == [1, 2, 3, 4, 5]


def test_head_has_no_body(serve):
    server = serve("c-hello.wasm")
    with server.connect() as connection:
        connection.send_request("HEAD", "/")
        assert connection.read_response("HEAD").status == 200
        connection.send_request("GET", "/")
        assert connection.read_response().body == b"hello\n"


def test_many_clients_at_once(serve):
    server = serve("c-hello.wasm", "--threads", "2")
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: server.get("/").body, range(300)))
    assert answers == [b"hello\n"] * 300


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads(serve, threads):
    server = serve("c-hello.wasm", "--threads", threads)
    connections = [server.connect() for _ in range(3 * threads)]
    for connection in connections:
        connection.send_request("GET", "/")
    for connection in connections:
        assert connection.read_response().body == b"hello\n"
        connection.close()


def test_sigterm_ends_it_with_status_0(serve):
    server = serve("c-hello.wasm")
    assert server.get("/").status == 200
    started = time.monotonic()
    server.terminate()
    assert server.wait() == 0
    assert time.monotonic() - started < 10
    with pytest.raises(OSError):
        Connection(server.host, server.port, timeout=1)


def test_sigint_ends_it_with_status_0(serve):
    server = serve("c-hello.wasm")
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0


def test_sigterm_lets_an_idle_connection_go(serve):
    server = serve("c-hello.wasm")
    with server.connect() as connection:
        connection.send_request("GET", "/")
        assert connection.read_response().status == 200
        server.terminate()
        assert connection.at_end()
        assert server.wait() == 0


def test_sigterm_answers_what_was_begun(serve):
    server = serve("hostile.wasm")
    with server.connect() as connection:
        connection.send_request("GET", "/slow")
        time.sleep(0.2)
        server.terminate()
        assert connection.read_response().status == 200
    assert server.wait() == 0


def test_several_programs_side_by_side(serve):
    first, second = serve("c-hello.wasm"), serve("cpp-counter.wasm")
    assert first.port != second.port
    assert first.get("/").body == b"hello\n"
    assert second.get("/").text == "/ was visited 1 time\n"


def test_compiled_code_is_kept_for_the_next_start(serve, tmp_path):
    started = []
    for _ in range(2):
        before = time.monotonic()
        server = serve("rust-hello.wasm", env={"XDG_CACHE_HOME": str(tmp_path)})
        started.append(time.monotonic() - before)
        assert server.get("/").status == 200
        server.stop()
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    for path in [*kept, *{path.parent for path in kept}]:
        assert path.stat().st_mode & 0o077 == 0, f"{path} can be reached by others"


def test_damaged_compiled_code_is_not_used(serve, tmp_path):
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    serve("c-hello.wasm", env=env).stop()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 4096]
    assert kept
    for path in kept:
        data = bytearray(path.read_bytes())
        for place in range(0, len(data), 97):
            data[place] ^= 0x5A
        path.write_bytes(data)
    assert serve("c-hello.wasm", env=env).get("/").body == b"hello\n"


def test_a_cache_that_cannot_be_written_is_no_obstacle(serve, tmp_path):
    blocked = tmp_path / "cache"
    blocked.write_text("a file where a folder should be")
    assert serve("c-hello.wasm", env={"XDG_CACHE_HOME": str(blocked)}).get("/").status == 200
