"""Components that call others over HTTP, through examples/rust-proxy: grants, TLS, reuse, streams, and failures."""

import re
import threading
import time

import pytest

from conftest import PATIENCE, SANITIZED, eventually
from upstream import Upstream, make_authority, make_certificate

GUEST = "rust-proxy.wasm"
MIB = 1 << 20


@pytest.fixture
def upstream():
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture
def proxy(serve):
    """proxy(upstream, ...): the proxy before `upstream`, which it may reach."""

    def start(upstream, *arguments, scheme="http", host="127.0.0.1", **options):
        url = f"{scheme}://{host}:{upstream.port}"
        return serve(GUEST, "--config", f"upstream={url}", "--allow-host", host, *arguments, **options)

    return start


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authority")
    return folder, make_authority(folder)


# --- grants


def test_nothing_can_be_reached_without_a_grant(serve, upstream):
    server = serve(GUEST, "--config", f"upstream=http://127.0.0.1:{upstream.port}")
    response = server.get("/")
    assert response.status == 502, response
    assert re.search("(?i)denied", response.text), response
    assert upstream.connections == 0


@pytest.mark.parametrize("pattern", ["example.com", "127.0.0.2", "*.example.com", "localhost"])
def test_a_grant_for_another_host_does_not_help(serve, upstream, pattern):
    server = serve(GUEST, "--config", f"upstream=http://127.0.0.1:{upstream.port}", "--allow-host", pattern)
    assert server.get("/").status == 502
    assert upstream.connections == 0


def test_a_grant_holds_for_its_host_alone(proxy, upstream):
    server = proxy(upstream)
    assert server.get("/a").text == "upstream /a\n"
    allowed = upstream.connections
    other = proxy(upstream, host="localhost")
    assert other.get("/a").text == "upstream /a\n"
    assert upstream.connections > allowed


def test_a_denied_host_is_named_in_the_log(serve, upstream):
    server = serve(GUEST, "--config", f"upstream=http://127.0.0.1:{upstream.port}")
    server.get("/")
    server.wait_for_log(r"127\.0\.0\.1")


# --- requests and responses


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_a_request_goes_through(proxy, upstream, method):
    server = proxy(upstream)
    body = None if method in ("GET", "DELETE") else b"a body"
    response = server.request(method, "/a/path?x=1", body=body, headers={"X-Test": "yes"})
    assert (response.status, response.text) == (200, "upstream /a/path?x=1\n")
    assert response.headers["x-upstream"] == "yes"
    sent_method, path, headers, sent = upstream.requests[-1]
    assert (sent_method, path, sent) == (method, "/a/path?x=1", body or b"")
    assert {name.lower(): value for name, value in headers.items()}["x-test"] == "yes"
    assert {name.lower(): value for name, value in headers.items()}["host"] == f"127.0.0.1:{upstream.port}"


@pytest.mark.parametrize("code", [201, 204, 304, 404, 500])
def test_any_status_comes_back(proxy, upstream, code):
    assert proxy(upstream).get(f"/status/{code}").status == code


@pytest.mark.parametrize("count", [0, 1, 65537, 8 * MIB])
def test_bodies_come_back_whole(proxy, upstream, count):
    body = bytes(i % 251 for i in range(65537)) * (count // 65537 + 1)
    body = body[:count]
    response = proxy(upstream).request("POST", "/echo", body=body, timeout=60)
    assert response.status == 200
    assert response.body == body


def test_a_connection_is_used_again(proxy, upstream):
    server = proxy(upstream, "--threads", "1")
    for _ in range(20):
        assert server.get("/").status == 200
    assert len(upstream.requests) == 20
    assert upstream.connections <= 2


def test_a_connection_that_the_other_side_closed_is_not_used_again(proxy):
    first = Upstream()
    server = proxy(first, "--threads", "1")
    try:
        for _ in range(3):
            # Each of these ends its connection.
            assert server.get("/break").status in (200, 502)
            assert server.get("/").status == 200
    except (EOFError, ConnectionError):
        assert server.get("/").status == 200
    finally:
        first.stop()


def test_many_at_once(proxy, upstream):
    server = proxy(upstream, "--threads", "2")
    answers = []

    def ask():
        answers.append(server.get("/slow/0.2", timeout=30).status)

    threads = [threading.Thread(target=ask) for _ in range(40)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 40
    assert time.monotonic() - started < 3 * PATIENCE


# --- failures


def test_nobody_listens(proxy, upstream):
    server = proxy(upstream)
    upstream.stop()
    response = server.get("/")
    assert response.status == 502
    assert re.search("(?i)refused", response.text), response


def test_a_name_that_is_none(serve):
    server = serve(GUEST, "--config", "upstream=http://nowhere.invalid", "--allow-host", "nowhere.invalid")
    response = server.get("/", timeout=30)
    assert response.status == 502
    assert re.search("(?i)dns", response.text), response


def test_an_upstream_that_never_answers(proxy, upstream):
    server = proxy(upstream, "--timeout", "1")
    started = time.monotonic()
    assert server.get("/never", timeout=30).status in (500, 502, 504)
    assert time.monotonic() - started < 5 * PATIENCE


def test_an_upstream_that_breaks_off(proxy, upstream):
    with pytest.raises((EOFError, ConnectionError)):
        response = proxy(upstream).get("/break")
        assert response.status == 502, response
        raise EOFError


def test_a_client_that_leaves_frees_the_upstream(proxy, upstream):
    server = proxy(upstream)
    assert server.get("/").status == 200
    before = server.descriptors()
    connections = [server.connect() for _ in range(20)]
    for connection in connections:
        connection.send_request("GET", "/never")
    # 20 clients, and a connection to the upstream for each.
    assert eventually(lambda: server.descriptors() >= before + 35), server.descriptors()
    for connection in connections:
        connection.reset()
    assert eventually(lambda: server.descriptors() <= before + 1), server.descriptors()
    assert server.get("/").status == 200


def test_a_client_that_does_not_read_holds_the_upstream_back(proxy, upstream):
    server = proxy(upstream)
    assert server.get("/").status == 200
    before = server.resident_kib()
    with server.connect() as connection:
        connection.send_request("GET", f"/stream/{1 << 30}")
        time.sleep(1.5)
        assert server.resident_kib() - before < (96 if SANITIZED else 32) * 1024
        connection.reset()


# --- TLS


def test_tls_with_an_authority_that_the_machine_trusts(proxy, authority):
    folder, signer = authority
    upstream = Upstream(make_certificate(folder, signer, ["DNS:localhost", "IP:127.0.0.1"]))
    try:
        for host in ["localhost", "127.0.0.1"]:
            server = proxy(upstream, scheme="https", host=host, env={"SSL_CERT_FILE": str(signer[0])})
            assert server.request("POST", "/echo", body=b"secret").body == b"secret"
    finally:
        upstream.stop()


def refused(proxy, upstream, **options):
    try:
        response = proxy(upstream, scheme="https", **options).get("/")
        assert response.status == 502, response
        assert re.search("(?i)tls|certificate", response.text), response
        assert upstream.requests == []
    finally:
        upstream.stop()


def test_tls_with_an_authority_that_nobody_trusts(proxy, authority):
    folder, signer = authority
    refused(proxy, Upstream(make_certificate(folder, signer, ["DNS:localhost"])), host="localhost")


def test_tls_with_the_name_of_another(proxy, authority):
    folder, signer = authority
    upstream = Upstream(make_certificate(folder, signer, ["DNS:example.com"]))
    refused(proxy, upstream, host="localhost", env={"SSL_CERT_FILE": str(signer[0])})


def test_tls_with_a_certificate_that_has_expired(proxy, authority):
    folder, signer = authority
    upstream = Upstream(make_certificate(folder, signer, ["DNS:localhost"], days=-1))
    refused(proxy, upstream, host="localhost", env={"SSL_CERT_FILE": str(signer[0])})


def test_tls_to_a_server_that_speaks_none(proxy, upstream):
    assert proxy(upstream, scheme="https").get("/").status == 502
