"""Programs as CGI handlers: `unbolt run --cgi`."""

import re
import time

import pytest

from conftest import PATIENCE, error_line, eventually


@pytest.fixture
def cgi(serve):
    return lambda *options, guest="cgi.wasm", **more: serve(guest, "--cgi", *options, **more)


def variables(response):
    return dict(line.split("=", 1) for line in response.text.splitlines() if "=" in line)


# --- what a program is given


def test_the_request_is_in_the_environment(cgi):
    server = cgi()
    response = server.request(
        "POST",
        "/env?a=1&b=%20c",
        body=b"1234",
        headers={
            "Content-Type": "text/x-test",
            "Accept-Language": "de",
            "X-One": "1",
            "Cookie": "a=b",
            "Authorization": "Basic eDp5",
        },
    )
    assert response.status == 200 and response.headers["content-type"] == "text/plain"
    seen = variables(response)
    expected = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "test.example",
        "SERVER_PORT": "80",
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/env",
        "QUERY_STRING": "a=1&b=%20c",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_HOST": "127.0.0.1",
        "CONTENT_TYPE": "text/x-test",
        "CONTENT_LENGTH": "4",
        "HTTP_ACCEPT_LANGUAGE": "de",
        "HTTP_X_ONE": "1",
        "HTTP_COOKIE": "a=b",
        "HTTP_AUTHORIZATION": "Basic eDp5",
        "HTTP_HOST": "test.example",
        "X_MATCHED_ROUTE": "/...",
        "X_RAW_PATH_INFO": "/env",
        "X_FULL_URL": "http://test.example/env?a=1&b=%20c",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert seen["SERVER_SOFTWARE"].startswith("unbolt")
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_CONNECTION"} & seen.keys()


def test_the_words_of_the_query_are_arguments(cgi):
    text = cgi("--", "own").get("/env?one&two=2&&three+3").text
    assert re.findall(r"argument (\d): (.*)", text) == [("1", "own"), ("2", "one"), ("3", "two=2"), ("4", "three+3")]


def test_a_path_is_decoded_once(cgi):
    server = cgi()
    assert server.get("/%65nv").status == 200
    seen = variables(server.get("/%65nv"))
    assert seen["PATH_INFO"] == "/env" and seen["X_RAW_PATH_INFO"] == "/%65nv"


@pytest.mark.parametrize("path", ["/a%", "/a%2", "/a%zz", "/a%00b"])
def test_a_path_that_cannot_be_decoded_is_refused(cgi, path):
    assert cgi().get(path).status == 400


def test_no_client_sets_the_proxy_of_a_program(cgi):
    server = cgi()
    response = server.get("/env", headers={"Proxy": "http://evil.example", "HTTP_PROXY": "x", "X_Under": "x"})
    assert not [name for name in variables(response) if "PROXY" in name or "UNDER" in name]


def test_the_operators_variables_come_first(cgi):
    server = cgi("--env", "HTTP_X_TOKEN=real", "--env", "OWN=1")
    seen = variables(server.get("/env", headers={"X-Token": "forged"}))
    assert seen["HTTP_X_TOKEN"] == "real" and seen["OWN"] == "1"


def test_fields_that_are_not_text_become_text(cgi):
    with cgi().connect() as connection:
        connection.send(b"GET /env HTTP/1.1\r\nHost: x\r\nX-Bytes: a\xff\xfeb\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n")
        seen = variables(connection.read_response())
    assert seen["HTTP_X_BYTES"] == "a\ufffd\ufffdb" and seen["HTTP_X_TWICE"] == "1, 2"


def test_the_version_of_the_request(cgi):
    with cgi().connect() as connection:
        connection.send(b"GET /env HTTP/1.0\r\n\r\n")
        assert variables(connection.read_response())["SERVER_PROTOCOL"] == "HTTP/1.0"


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_a_body_goes_in_and_comes_out(cgi, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert cgi().request("POST", "/echo", body=body).body == body


def test_a_body_of_unknown_length_ends(cgi):
    with cgi().connect() as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.send_chunk(b"first")
        status, headers = connection.read_head()
        assert status == 200
        assert connection.read_chunk() == b"first"  # before the request is whole
        connection.send_chunk(b"second")
        assert connection.read_chunk() == b"second"
        connection.send_chunk(b"")
        assert connection.read_chunk() == b""


def test_each_request_has_a_program_of_its_own(cgi):
    server = cgi()
    with server.connect() as connection:
        for _ in range(20):
            connection.send_request("POST", "/echo", body=b"x")
            assert connection.read_response().body == b"x"


# --- what it answers


def raw(server, output, method="POST"):
    return server.request(method, "/raw", body=output)


@pytest.mark.parametrize(
    "output, status, body",
    [
        (b"Content-Type: text/plain\n\nhello", 200, b"hello"),
        (b"Content-Type: text/plain\r\n\r\nhello\r\n", 200, b"hello\r\n"),
        (b"content-type:text/plain\n\n", 200, b""),
        (b"Status: 404 Not Found\nContent-Type: text/plain\n\nno", 404, b"no"),
        (b"Status: 201\n\n", 201, b""),
        (b"Status: 204 No Content\n\n", 204, b""),
        (b"Content-Type: text/plain\n\n\n\xff\x00", 200, b"\n\xff\x00"),
    ],
)
def test_an_answer(cgi, output, status, body):
    response = raw(cgi(), output)
    assert (response.status, response.body) == (status, body)


@pytest.mark.parametrize("to", ["/elsewhere?a=b", "https://example.com/"])
def test_a_location_is_a_redirect(cgi, to):
    response = raw(cgi(), b"Location: %s\n\n" % to.encode())
    assert response.status == 302 and response.headers["location"] == to


def test_a_redirect_may_choose_its_status(cgi):
    response = raw(cgi(), b"Status: 308\nLocation: /x\n\n")
    assert response.status == 308 and response.headers["location"] == "/x"


def test_fields_pass_through(cgi):
    response = raw(cgi(), b"Content-Type: text/plain\nX-One: 1\nSet-Cookie: a=b\nConnection: close\n\n")
    assert response.headers["x-one"] == "1" and response.headers["set-cookie"] == "a=b"


@pytest.mark.parametrize(
    "output, why",
    [
        (b"", "without any output"),
        (b"Hello, world\n", "line 1 of its output is no header field: 'Hello, world'"),
        (b"Content-Type: text/plain\n", "within its header section"),
        (b"Content-Type: text/plain\nbroken line\n\nx", "line 2 .*'broken line'"),
        (b"\nbody", "neither Content-Type nor Status nor Location"),
        (b"X-Only: 1\n\nx", "neither Content-Type"),
        (b"Status: OK\n\n", "no status: 'Status: OK'"),
        (b"Status: 99\n\n", "no status"),
        (b"Status: 101\n\n", "no status"),
        (b"Status: 2000\n\n", "no status"),
        (b"Status: 200\nStatus: 404\n\n", "Status twice"),
        (b"Content-Type: a/b\nContent-Type: a/b\n\n", "Content-Type twice"),
        (b"Content-Type: a/b\n X: folded\n\n", "line 2"),
        (b"Content-Type: a\x00b\n\n", "line 1"),
        (b"Content Type: a/b\n\n", "line 1"),
        (b": x\n\n", "line 1"),
        (b"HTTP/1.1 200 OK\nContent-Type: a/b\n\n", "line 1"),
    ],
)
def test_an_answer_that_is_none(cgi, output, why):
    server = cgi()
    response = raw(server, output)
    assert response.status == 502, response
    server.wait_for_log(f"POST /raw.*{why}")
    assert raw(server, b"Status: 200\n\n").status == 200


def test_a_header_section_is_bounded(cgi):
    server = cgi()
    assert server.get("/long-head").status == 502
    server.wait_for_log("longer than")


def test_head_has_no_body(cgi):
    with cgi().connect() as connection:
        connection.send_request("HEAD", "/large")
        assert connection.read_response("HEAD").status == 200
        connection.send_request("GET", "/large")
        assert len(connection.read_response().body) == 1_000_000


def test_output_is_not_held_back(cgi):
    with cgi().connect() as connection:
        start = time.monotonic()
        connection.send_request("GET", "/slow")
        connection.read_head()
        assert connection.read_chunk() == b"now\n"
        assert time.monotonic() - start < 0.9 * PATIENCE
        assert connection.read_chunk() == b"later\n"


def test_a_content_length_is_kept(cgi):
    server = cgi()
    response = raw(server, b"Content-Type: a/b\nContent-Length: 3\n\nabc")
    assert response.headers["content-length"] == "3" and response.body == b"abc"
    # Less than was said, or more: the client sees that it is broken, or what was said.
    with server.connect() as connection:
        connection.send_request("POST", "/raw", body=b"Content-Type: a/b\nContent-Length: 9\n\nabc")
        with pytest.raises((EOFError, ConnectionResetError)):
            connection.read_response()
    server.wait_for_log(r"POST /raw")


# --- programs that fail


def test_a_status_of_failure_before_any_output(cgi):
    server = cgi()
    assert server.get("/exit-before").status == 502
    server.wait_for_log("exited with status")


def test_a_status_of_failure_after_the_output(cgi):
    server = cgi()
    response = server.get("/exit-after")
    assert response.status == 200 and response.body == b"done\n"
    server.wait_for_log("exited with status")


@pytest.mark.parametrize("path", ["/trap-before", "/trap-in-head"])
def test_a_trap_before_the_output(cgi, path):
    server = cgi()
    assert server.get(path).status == 500
    server.wait_for_log("unreachable")


def test_a_trap_within_the_output_cuts_it_short(cgi):
    server = cgi()
    with server.connect() as connection:
        connection.send_request("GET", "/trap-after")
        status, _ = connection.read_head()
        assert status == 200
        assert connection.read_chunk() == b"half\n"
        with pytest.raises((EOFError, ConnectionResetError)):
            connection.read_chunk()
    server.wait_for_log("unreachable")


def test_the_deadline_ends_a_program(cgi):
    server = cgi("--timeout", "0.5")
    assert server.get("/loop").status == 504
    assert server.get("/env").status == 200


@pytest.mark.parametrize("path", ["/flood", "/loop"])
def test_a_client_that_leaves_ends_its_program(cgi, path):
    server = cgi()
    with server.connect() as connection:
        connection.send_request("GET", path)
        if path == "/flood":
            connection.read_head()
        time.sleep(0.2)
        connection.reset()
    before = server.cpu_seconds()
    assert eventually(lambda: (time.sleep(0.3), server.cpu_seconds() - before < 0.05 or None)[1] or False) is not None
    used = server.cpu_seconds()
    time.sleep(0.5)
    assert server.cpu_seconds() - used < 0.3


def test_a_slow_client_holds_its_program_back(cgi):
    server = cgi("--timeout", "20")
    with server.connect() as connection:
        connection.send_request("GET", "/flood")
        connection.read_head()
        time.sleep(0.5)
        assert server.resident_kib() < 400_000
        used = server.cpu_seconds()
        time.sleep(0.5)
        assert server.cpu_seconds() - used < 0.3
        assert server.get("/env").status == 200


def test_standard_error_is_in_the_log_by_line(cgi):
    server = cgi()
    assert server.get("/stderr").status == 200
    server.wait_for_log("first line")
    server.wait_for_log("second line")
    server.wait_for_log("no end")


# --- the command line


def test_a_component_that_is_a_command_serves_too(cgi):
    server = cgi(guest="rust-cli.wasm")
    # It prints no header section.
    assert server.get("/").status == 502
    server.wait_for_log("line 1 of its output is no header field")


def test_isolation_is_not_for_programs(call, guests):
    finished = call("run", "--cgi", guests / "cgi.wasm", "--isolation", "reused:5")
    assert finished.status == 2 and "--isolation" in error_line(finished)


def test_what_is_no_program_is_refused(call, guests):
    finished = call("run", "--cgi", guests / "c-hello.wasm")
    assert finished.status == 1 and "--cgi" in error_line(finished) and "without --cgi" in finished.err


def test_the_guest_book(cgi, tmp_path):
    server = cgi("--dir", f"{tmp_path}::/book", guest="c-cgi.wasm")
    assert "<ul>\n</ul>" in server.get("/").text
    signed = server.request("POST", "/", body=b"entry=Ada+%3Cb%3E%26%0A", headers={"Content-Type": "x"})
    assert signed.status == 303 and signed.headers["location"] == "/"
    assert "<li>Ada &lt;b&gt;&amp;  (from 127.0.0.1)</li>" in server.get("/").text
    assert server.request("DELETE", "/").status == 405
    assert server.request("POST", "/", body=b"x=1").status == 400
    assert server.request("POST", "/", body=b"entry=" + b"x" * 5000).status == 413


def test_the_guest_book_without_its_folder(cgi):
    server = cgi(guest="c-cgi.wasm")
    assert server.request("POST", "/", body=b"entry=Ada").status == 503
    server.wait_for_log("cannot open /book/entries.txt")
