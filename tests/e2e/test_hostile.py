"""A guest that does what a host must withstand: the request it does it in fails, the log says why, and nobody else
notices."""

import concurrent.futures
import re
import time

import pytest

from conftest import PATIENCE, SANITIZED, eventually

GUEST = "hostile.wasm"
# What a client may be told of a guest that failed: that it did, and nothing of how.
FAILED = {500, 502, 503, 504}


def healthy(server):
    response = server.get("/hello")
    assert (response.status, response.body) == (200, b"hello\n")


def outcome(server, path, **options):
    """The response, or None where the connection broke off before its end."""
    try:
        return server.get(path, **options)
    except (EOFError, ConnectionError):
        return None


@pytest.fixture
def server(serve):
    """Serves the hostile guest; it must be healthy before and after, and hold no more descriptors."""
    server = serve(GUEST, "--threads", "2")
    healthy(server)
    before = server.descriptors()
    yield server
    healthy(server)
    assert eventually(lambda: server.descriptors() <= before), f"{server.descriptors()} descriptors, {before} before"


# --- traps

BEFORE_THE_HEAD = {
    "/trap": "unreachable",
    "/recurse": "stack",
    "/bad-realloc?mode=trap": "unreachable",
    "/bad-realloc?mode=outside": "realloc|pointer|bounds|memory",
    "/bad-realloc?mode=misaligned": "align",
    "/bad-realloc?mode=call": "leave|realloc",
    "/big-list?to=fields": "bounds|memory|list|pointer|length",
    "/bad-pointer": "bounds|memory|list|pointer",
    "/misaligned": "align",
    "/bad-return-pointer": "bounds|memory|pointer",
    "/bad-utf8": "(?i)utf-?8",
    "/bad-discriminant?of=option": "discriminant",
    "/bad-discriminant?of=variant": "discriminant",
    "/stale-handle": "handle",
    "/double-drop": "handle",
    "/foreign-handle": "handle",
    "/wild-handle?n=0": "handle",
    "/wild-handle?n=77": "handle",
    "/wild-handle?n=4294967295": "handle",
    "/empty-poll": "poll|empty",
}


@pytest.mark.parametrize("path", BEFORE_THE_HEAD)
def test_a_trap_is_500_with_its_reason_in_the_log(server, path):
    seen = len(server.log)
    response = server.get(path)
    assert response.status == 500, response
    assert eventually(lambda: re.search(BEFORE_THE_HEAD[path], server.log[seen:])), server.log[seen:]


def test_the_log_has_a_backtrace_with_names(server):
    server.get("/trap")
    for name in ["last_step", "inner_step", "outer_step", "do_trap"]:
        server.wait_for_log(rf"\b{name}\b")
    log = server.log
    assert log.index("last_step") < log.index("inner_step") < log.index("outer_step") < log.index("do_trap")


def test_the_client_is_told_nothing_of_the_inside(server):
    response = server.get("/trap")
    assert "last_step" not in response.text and "unreachable" not in response.text


def test_a_connection_outlives_a_trap(server):
    with server.connect() as connection:
        for path, status in [("/hello", 200), ("/trap", 500), ("/hello", 200), ("/silent", 500), ("/hello", 200)]:
            connection.send_request("GET", path)
            assert connection.read_response().status == status


def test_a_thousand_traps_leave_nothing(server):
    def traps(count):
        with server.connect(60) as connection:
            for i in range(count):
                connection.send_request("GET", ["/trap", "/bad-utf8", "/stale-handle"][i % 3])
                assert connection.read_response().status == 500

    traps(300)
    before = server.resident_kib()
    traps(1000)
    assert server.resident_kib() - before < (65536 if SANITIZED else 8192)


@pytest.mark.parametrize(
    "path", ["/big-list?to=write", "/past-permit", "/abort-mid-body", "/body-after-finish", "/parent-first"]
)
def test_a_trap_after_the_head_breaks_the_response_off(server, path):
    """What was promised cannot be kept: the client must be able to tell that the body is not whole."""
    response = outcome(server, path)
    if path == "/body-after-finish":  # the body was whole before the guest trapped
        assert response is None or response.status == 500 or response.body == b"whole\n"
    else:
        assert response is None or response.status == 500, response
    server.wait_for_log("trap|handle|permit|bounds|memory|child|parent|unreachable")


@pytest.mark.parametrize("path", ["/finish-early", "/unfinished"])
def test_a_body_that_was_not_finished_is_not_whole(server, path):
    response = outcome(server, path)
    assert response is None or response.status == 500, response


@pytest.mark.parametrize("path", ["/silent", "/silent-drop", "/error-code"])
def test_no_response_is_500(server, path):
    assert server.get(path).status in FAILED


def test_a_second_response_is_none(server):
    response = outcome(server, "/double-set")
    assert response is None or response.status == 500 or response.body == b"first\n", response


# --- time


@pytest.mark.parametrize("path", ["/loop", "/busy-calls", "/hang", "/bad-realloc?mode=loop", "/sleep-in-middle?ms=3600000"])
def test_a_deadline_ends_what_does_not_end(serve, path):
    server = serve(GUEST, "--timeout", "1")
    started = time.monotonic()
    response = outcome(server, path, timeout=30)
    took = time.monotonic() - started
    assert response is None or response.status in FAILED, response
    if not path.startswith("/sleep"):
        assert response is not None
    assert 0.9 < took < 5 * PATIENCE
    server.wait_for_log("(?i)deadline|timeout|timed out|too long")
    healthy(server)


def test_a_guest_that_never_gets_to_start(serve):
    """Its constructor loops: every request that waits for an instance of it ends, and the program can be stopped."""
    server = serve("start-loop.wasm", "--timeout", "1", "--threads", "1")
    started = time.monotonic()
    for _ in range(2):
        assert server.get("/", timeout=30).status in FAILED
    assert time.monotonic() - started < 8 * PATIENCE


def test_a_guest_that_traps_while_it_starts(serve):
    server = serve("start-trap.wasm")
    for _ in range(3):
        assert server.get("/").status == 500
    server.wait_for_log("unreachable")
    server.wait_for_log("gives_up")


def test_a_loop_is_not_noticed_by_others(serve):
    server = serve(GUEST, "--threads", "1", "--timeout", "30")
    loops = [server.connect() for _ in range(2)]
    for connection in loops:
        connection.send_request("GET", "/loop")
    time.sleep(0.3)
    slowest = 0
    for _ in range(20):
        started = time.monotonic()
        healthy(server)
        slowest = max(slowest, time.monotonic() - started)
    for connection in loops:
        connection.reset()
    assert slowest < 0.5 * PATIENCE


def test_a_loop_ends_when_its_client_leaves(serve):
    server = serve(GUEST, "--threads", "1", "--timeout", "600")
    connection = server.connect()
    connection.send_request("GET", "/loop")
    time.sleep(0.5)
    connection.reset()

    def idle():
        before = server.cpu_seconds()
        time.sleep(0.3)
        return server.cpu_seconds() - before < 0.15

    assert eventually(idle, 10), "it still computes"
    healthy(server)


def test_waiting_requests_do_not_hold_a_thread(serve):
    server = serve(GUEST, "--threads", "1")
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: server.get("/slow?ms=500", timeout=30).text, range(50)))
    assert answers == ["after 500 ms\n"] * 50
    assert time.monotonic() - started < 3 * PATIENCE


def test_sigterm_during_a_loop_ends_in_time(serve):
    server = serve(GUEST, "--timeout", "2")
    connection = server.connect()
    connection.send_request("GET", "/loop")
    time.sleep(0.2)
    server.terminate()
    assert server.wait(30) == 0
    connection.close()


# --- memory and handles


def grown(response):
    assert response.status == 200, response
    return int(re.fullmatch(r"grew by (\d+) pages\n", response.text)[1])


@pytest.mark.parametrize("limit", [2, 16, 64])
def test_memory_is_limited(serve, limit):
    server = serve(GUEST, "--max-memory", str(limit))
    assert 0 <= grown(server.get("/eat", timeout=60)) <= limit * 16


def test_memory_is_limited_by_default(serve):
    server = serve(GUEST)
    assert grown(server.get("/eat", timeout=60)) < 65536
    healthy(server)


def test_memory_is_given_back(serve):
    server = serve(GUEST, "--max-memory", "64", "--threads", "1")
    healthy(server)
    before = server.resident_kib()
    for _ in range(10):
        assert grown(server.get("/eat", timeout=60)) > 900
    assert eventually(lambda: server.resident_kib() - before < 96 * 1024), f"{server.resident_kib()} KiB, {before} before"


def test_many_eaters_at_once_do_not_sum_up(serve):
    server = serve(GUEST, "--max-memory", "32", "--threads", "2")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: outcome(server, "/eat", timeout=60), range(64)))
    assert all(answer is not None and answer.status in {200, 500, 503} for answer in answers)
    healthy(server)


def test_resources_that_a_guest_forgets_go_with_its_instance(server):
    def leak(times):
        with server.connect(60) as connection:
            for _ in range(times):
                connection.send_request("GET", "/leak?n=1000")
                assert connection.read_response().text == "leaked 1000\n"

    leak(50)
    before = server.resident_kib()
    leak(300)
    assert server.resident_kib() - before < (131072 if SANITIZED else 16384)


def test_handles_are_limited(server):
    before = server.resident_kib()
    assert server.get("/leak?n=1000000000", timeout=60).status == 500
    assert server.resident_kib() - before < 1 << 20


def test_headers_are_limited(server):
    response = outcome(server, "/many-headers?n=100000000&bytes=1000", timeout=60)
    assert response is None or response.status in FAILED | {200}
    assert server.resident_kib() < 1 << 20


@pytest.mark.parametrize("count", [2**31, 2**32 + 8, 2**64 - 1])
def test_a_guest_that_asks_for_too_many_random_bytes(server, count):
    assert server.get(f"/random?bytes={count}", timeout=60).status == 500
    assert server.resident_kib() < 1 << 20


# --- isolation


def test_each_request_gets_a_fresh_state_by_default(serve):
    server = serve(GUEST, "--max-memory", "8", "--threads", "1")
    numbers = [grown(server.get("/eat")) for _ in range(4)]
    assert numbers[0] > 0
    assert numbers == numbers[:1] * 4


def test_a_reused_instance_keeps_its_state_n_times(serve):
    server = serve(GUEST, "--max-memory", "8", "--threads", "1", "--isolation", "reused:3")
    numbers = [grown(server.get("/eat")) for _ in range(7)]
    most = numbers[0]
    assert most > 0
    assert numbers == [most, 0, 0, most, 0, 0, most]


def test_an_instance_that_trapped_is_not_reused(serve):
    server = serve(GUEST, "--max-memory", "8", "--threads", "1", "--isolation", "reused:100")
    most = grown(server.get("/eat"))
    assert grown(server.get("/eat")) == 0
    assert server.get("/trap").status == 500
    assert grown(server.get("/eat")) == most


def test_an_instance_whose_client_left_is_not_reused(serve):
    server = serve(GUEST, "--max-memory", "8", "--threads", "1", "--isolation", "reused:100")
    most = grown(server.get("/eat"))
    connection = server.connect()
    connection.send_request("GET", "/hang")
    time.sleep(0.3)
    # One instance waits for ever: another one answers meanwhile.
    assert grown(server.get("/eat")) == most
    connection.reset()
    healthy(server)


def test_a_reused_instance_serves_one_request_at_a_time(serve):
    server = serve(GUEST, "--threads", "1", "--isolation", "reused:1000")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda i: server.get(f"/slow?ms={100 + i}").text, range(20)))
    assert answers == [f"after {100 + i} ms\n" for i in range(20)]


def test_what_a_reused_guest_forgets_does_not_pile_up(serve):
    server = serve(GUEST, "--threads", "1", "--isolation", "reused:10")

    def leak(times):
        for _ in range(times):
            assert server.get("/leak?n=1000").status == 200

    leak(50)
    before = server.resident_kib()
    leak(300)
    assert server.resident_kib() - before < (131072 if SANITIZED else 16384)


# --- facts


def facts(response):
    assert response.status == 200, response
    return dict(line.split("=", 1) for line in response.text.splitlines() if "=" in line)


def test_randomness_differs_from_request_to_request(server):
    seen = [facts(server.get("/random?bytes=32")) for _ in range(5)]
    assert {fact["length"] for fact in seen} == {"32"}
    assert len({fact["bytes"] for fact in seen}) == 5
    assert len({fact["u64"] for fact in seen}) == 5
    assert facts(server.get("/random?bytes=0"))["length"] == "0"
    assert facts(server.get("/random?bytes=100000"))["length"] == "100000"


def test_clocks_tell_the_time(server):
    fact = {name: int(value) for name, value in facts(server.get("/clock")).items()}
    assert abs(fact["seconds"] - time.time()) < 5
    assert 0 <= fact["nanoseconds"] < 10**9
    assert fact["monotonic-after"] >= fact["monotonic-before"]
    assert fact["wall-resolution"] > 0 and fact["monotonic-resolution"] > 0
    assert int(facts(server.get("/clock"))["monotonic-before"]) > fact["monotonic-after"]


METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("HEAD", "CONNECT")])
def test_the_guest_is_told_the_method(server, method):
    assert facts(server.request(method, "/request"))["method"] == str(METHODS.index(method))


def test_the_guest_is_told_what_was_asked(server):
    response = server.request("BREW", "/request?a=b%20c&d", headers={"X-One": "1", "X-Two": "a, b"})
    fact = facts(response)
    assert fact["method"] == "9" and fact["other"] == "BREW"
    assert fact["path"] == "/request?a=b%20c&d"
    assert fact["authority"] == "test.example"
    assert fact["scheme"] == "0"
    lines = response.text.lower().splitlines()
    assert "x-one: 1" in lines and "x-two: a, b" in lines
    assert fact["append-to-request"] == "2"  # immutable


def test_which_headers_a_guest_may_set(server):
    fact = facts(server.get("/header"))
    for name in ["x-plain", "X-Upper", "x-empty", "x-latin"]:
        assert fact[name] == "taken", name
    for name in ["", "x space", "x-colon:", "x-injected", "x-newline", "x-control"]:
        assert fact[name] == "invalid-syntax", name
    for name in ["connection", "transfer-encoding", "host", "upgrade", "keep-alive", "proxy-connection"]:
        assert fact[name] == "forbidden", name


@pytest.mark.parametrize("code", [200, 201, 302, 404, 418, 503, 599])
def test_a_guest_chooses_the_status(server, code):
    response = server.get(f"/status?code={code}")
    assert (response.status, response.text) == (code, "taken\n")


@pytest.mark.parametrize("code", [0, 99, 1000, 65535])
def test_a_status_that_is_none_is_refused(server, code):
    assert server.get(f"/status?code={code}").text == "refused\n"


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_without_a_body_gets_none(server, code):
    with server.connect() as connection:
        connection.send_request("GET", f"/status?code={code}")
        assert connection.read_response().status == code
        connection.send_request("GET", "/hello")
        assert connection.read_response().body == b"hello\n"


def test_what_was_taken_once_is_not_given_again(server):
    assert facts(server.get("/body-twice")) == {"body": "refused", "stream": "refused", "consume": "refused"}
