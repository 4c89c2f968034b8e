"""`unbolt run --json`: exported functions over HTTP, JSON in and JSON out, and the OpenAPI description of them."""

import json
import pathlib
import subprocess
import threading
import time

import pytest

from conftest import PATIENCE, SANITIZED, error_line, eventually
from test_call import ORDER

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="session")
def validate():
    """validate(document, samples): what the public validators say is wrong, in a list."""
    python = subprocess.run([ROOT / "scripts/test_tools.sh"], capture_output=True, text=True, check=True).stdout.strip()

    def ask(document, samples=()):
        asked = json.dumps({"document": document, "samples": list(samples)})
        program = [python, ROOT / "tests/e2e/json/validate.py"]
        finished = subprocess.run(program, input=asked, capture_output=True, text=True, timeout=120 * PATIENCE)
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    return ask


@pytest.fixture
def values(serve):
    return serve("values.wasm", "--json", "--timeout", str(PATIENCE))


@pytest.fixture
def functions(serve):
    return serve("functions.wasm", "--json")


def post(server, path, arguments=None, **options):
    body = None if arguments is None else json.dumps(arguments).encode()
    return server.request("POST", path, body=body, headers={} if body is None else JSON, **options)


def problem(response, status):
    """The problem that a response must be (RFC 9457)."""
    assert response.status == status, response
    assert response.headers["content-type"] == "application/problem+json", response
    told = json.loads(response.body)
    assert told["status"] == status and told["title"] and told["detail"], told
    return told


def request_schema(path):
    return ["paths", path, "post", "requestBody", "content", "application/json", "schema"]


def response_schema(path, status="200", media_type="application/json"):
    return ["paths", path, "post", "responses", status, "content", media_type, "schema"]


GOOD = [
    ("bools", True), ("bools", False), ("chars", "x"), ("chars", "😀"), ("strings", ""), ("strings", "ü \u0000 \\ \" \x7f"),
    ("bytes", []), ("bytes", list(range(256))), ("words", [["a"], [], ["b", ""]]), ("points", [{"x": 1, "y": -2}]),
    ("orders", ORDER), ("orders", {**ORDER, "maxAge": None}),
    ("shapes", [{"tag": "nothing"}, {"tag": "circle", "val": 1.5}, {"tag": "at", "val": {"x": 3, "y": 4}},
                {"tag": "many", "val": [1, 2]}, {"tag": "named", "val": "n"}]),
    ("colors", ["red", "dark-blue"]), ("allowed", {"canRead": True, "canWrite": False, "execute": True}),
    ("options", None), ("options", "some"), ("nested", {"tag": "none"}), ("nested", {"tag": "some", "val": None}),
    ("nested", {"tag": "some", "val": 5}), ("outcomes", [{"tag": "ok"}, {"tag": "err", "val": "dark-blue"}]),
    ("pairs", [255, ["x", -0.25]]), ("pairs", [0, None]),
]  # fmt: skip

# What both the function and its schema refuse.
BAD = [
    ("strings", 7), ("strings", []), ("strings", ["a", "b"]), ("strings", [7]), ("strings", {"y": "a"}), ("strings", {"x": "a", "y": ""}),
    ("signed", [128, 0, 0, 0]), ("signed", [0, 0, 0, 9223372036854775808]), ("signed", [1.5, 0, 0, 0]), ("signed", [0, 0, 0, "x"]),
    ("unsigned", [-1, 0, 0, 0]), ("unsigned", ["1", 0, 0, 0]), ("unsigned", [0, 0, 0, "-1"]), ("floats", ["inf", 0]),
    ("chars", ["ab"]), ("chars", [""]), ("bools", [0]), ("bytes", [[256]]), ("orders", [{"id": 1}]),
    ("orders", [{**ORDER, "more": 1}]), ("orders", [{**ORDER, "at": {"x": 1, "y": "2"}}]), ("shapes", [[{"tag": "square"}]]),
    ("shapes", [[{"tag": "nothing", "val": 1}]]), ("shapes", [[{"tag": "circle"}]]), ("shapes", [[{"tag": "circle", "val": 1, "vol": 2}]]),
    ("colors", [["blue"]]), ("allowed", [{"canFly": True}]), ("allowed", [{"canRead": 1}]), ("pairs", [[1]]), ("nested", [5]),
    ("nothing", [1]), ("nothing", {"x": 1}),
]  # fmt: skip


def test_values_come_back_and_fit_the_description(values, validate):
    document = json.loads(values.get("/openapi.json").body)
    samples = []
    for function, value in GOOD:
        path = f"/echo/{function}"
        for arguments in ([value], {"x": value}):
            samples.append({"schema": request_schema(path), "value": arguments, "valid": True})
            answer = post(values, path, arguments)
            assert answer.status == 200 and answer.headers["content-type"] == "application/json", (function, answer)
            assert json.loads(answer.body) == value, (function, value)
        samples.append({"schema": response_schema(path), "value": json.loads(answer.body), "valid": True})
    for function, arguments in BAD:
        path = f"/echo/{function}"
        samples.append({"schema": request_schema(path), "value": arguments, "valid": False})
        problem(post(values, path, arguments), 400)
    # Numbers at their limits, and other ways to say them.
    signed, unsigned = [-128, -32768, -(2**31), -(2**63)], [255, 65535, 2**32 - 1, 2**64 - 1]
    for function, arguments, expected in [
        ("signed", signed, signed),
        ("signed", [1.0, 1e3, -2.0, "-9223372036854775808"], [1, 1000, -2, -(2**63)]),
        ("unsigned", unsigned, unsigned),
        ("unsigned", {"d": "18446744073709551615", "a": 1, "c": 0, "b": 2}, [1, 2, 0, 2**64 - 1]),
        ("floats", [0.1, 1e300], [0.1, 1e300]),
        ("floats", ["NaN", "-Infinity"], ["NaN", "-Infinity"]),
        ("wide", {"a": ORDER, "b": ORDER, "c": 3}, [ORDER, ORDER, 3]),
    ]:
        samples.append({"schema": request_schema(f"/echo/{function}"), "value": arguments, "valid": True})
        answer = post(values, f"/echo/{function}", arguments)
        assert answer.status == 200 and json.loads(answer.body) == expected, answer
        samples.append({"schema": response_schema(f"/echo/{function}"), "value": expected, "valid": True})
    # What an answer never is, although an argument may be.
    for function, value in [("signed", [0, 0, 0, "1"]), ("orders", {k: v for k, v in ORDER.items() if k != "maxAge"}),
                            ("allowed", {}), ("floats", ["nan", 0])]:  # fmt: skip
        samples.append({"schema": response_schema(f"/echo/{function}"), "value": value, "valid": False})
    assert validate(document, samples) == []


def test_the_description_lists_what_is_served(values, functions, serve, validate):
    for server in (values, functions, serve("rust-cli.wasm", "--json")):
        answer = server.get("/openapi.json")
        assert answer.status == 200 and answer.headers["content-type"] == "application/json"
        document, index = json.loads(answer.body), json.loads(server.get("/").body)
        assert validate(document) == []
        assert document["openapi"].startswith("3.1.")
        assert sorted(document["paths"]) == sorted(function["path"] for function in index["functions"])
        ids = [path["post"]["operationId"] for path in document["paths"].values()]
        assert len(ids) == len(set(ids))
    listed = json.loads(values.get("/").body)
    assert listed["openapi"] == "/openapi.json" and listed["component"] == "values"
    assert {"path": "/greet", "name": "greet", "type": "func(name: string) -> string"} in listed["functions"]
    assert values.get("/").headers["link"] == '</openapi.json>; rel="service-desc"'
    schemas = json.loads(values.get("/openapi.json").body)["components"]["schemas"]
    assert {"Point", "Order", "OrderInput", "Shape", "Color", "Rights", "RightsInput", "Problem"} == set(schemas)
    head = values.request("HEAD", "/openapi.json")
    assert head.status == 200 and int(head.headers["content-length"]) > 1000 and head.body == b""


def test_the_names_of_a_path(values, functions):
    for path in ("/test:values/echo/strings", "/echo/strings", "/test%3Avalues%2Fecho/strings", "/echo/string%73?a=b"):
        assert post(values, path, ["x"]).body == b'"x"', path
    assert post(values, "/greet", {"name": "you"}).body == b'"hello, you"'
    # Two versions of one interface: the short name is nobody's where both have the function.
    for path in ("/a:a/math@1.0.0/add", "/a:a/math@2.0.0/add", "/math@1.0.0/add"):
        assert post(functions, path, {"left": 2, "rightOne": 3}).body == b"5", path
        assert post(functions, path, {"left": 2, "right-one": 3}).body == b"5", path
    assert post(functions, "/math/subtract", [2, 3]).body == b"-1"
    told = problem(post(functions, "/math/add", [2, 3]), 404)
    assert "may be a:a/math@1.0.0/add or a:a/math@2.0.0/add" in told["detail"]
    told = problem(post(values, "/echo/darkStrings", []), 404)
    assert "no function 'echo/darkStrings'" in told["detail"] and told["nearest"] == []
    assert problem(post(values, "/echo/stings"), 404)["nearest"] == ["/echo/strings"]
    assert problem(post(values, "/strings"), 404)["nearest"] == ["/echo/strings"]
    assert problem(post(values, "/echo/strings/"), 404)["nearest"] == ["/echo/strings"]
    assert problem(post(values, "/Greet"), 404)["nearest"] == ["/greet"]
    assert problem(post(functions, "/math/ad"), 404)["nearest"] == ["/math@1.0.0/add", "/math@2.0.0/add"]
    problem(post(values, "/%zz"), 400)
    problem(post(values, "/" + "x" * 20000), 404)
    problem(post(values, "/%ff"), 404)


def test_nothing_in_and_out(values):
    for body, headers in ((None, {}), (b"", {}), (b"[]", JSON), (b" {} ", JSON)):
        answer = values.request("POST", "/echo/nothing", body=body, headers=headers)
        assert (answer.status, answer.body) == (204, b""), answer
    told = problem(post(values, "/echo/strings"), 400)
    assert "array of 1 argument, or an object" in told["detail"] and "func(x: string) -> string" in told["detail"]
    assert "argument x is missing" in problem(post(values, "/echo/strings", {}), 400)["detail"]


def test_results(values, functions, validate):
    assert post(values, "/echo/results", [{"tag": "ok", "val": 7}]).body == b"7"
    told = problem(post(values, "/echo/results", [{"tag": "err", "val": "why"}]), 422)
    assert told["error"] == "why"
    document, samples = json.loads(functions.get("/openapi.json").body), []
    for which, (status, case) in enumerate([(404, "not-found"), (403, "access-denied"), (409, "busy"), (404, "no-such-key"),
                                            (422, "odd")]):  # fmt: skip
        told = problem(post(functions, "/fail", [which]), status)
        assert told["error"] == case
        schema = response_schema("/fail", str(status), "application/problem+json")
        samples.append({"schema": schema, "value": told, "valid": True})
        samples.append({"schema": schema, "value": {**told, "error": "other"}, "valid": False})
    assert post(functions, "/fail", [9]).status == 204
    assert validate(document, samples) == []
    assert "error" not in functions.log  # they are the function's business


def test_requests_that_are_none(values):
    told = problem(values.request("POST", "/echo/strings", body=b'["a",\n"b]', headers=JSON), 400)
    assert "line 2, column" in told["detail"]
    assert "x.at.y: expected a number of type s32" in problem(
        post(values, "/echo/orders", [{**ORDER, "at": {"x": 1, "y": "2"}}]), 400
    )["detail"]
    for body in (b"[1e999, 0]", b"\xff", b'["\\ud800"]', b"[" * 1_000_000, b'{"x":' * 100_000, b"null", b"\x00"):
        problem(values.request("POST", "/echo/floats", body=body, headers=JSON), 400)
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = values.request(method, "/echo/strings")
        assert problem(answer, 405) and answer.headers["allow"] == "POST"
    answer = post(values, "/openapi.json", [])
    assert problem(answer, 405) and answer.headers["allow"] == "GET, HEAD"
    for headers in ({}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain"},
                    {"Content-Type": "application/jsonx"}, {**JSON, "Content-Encoding": "gzip"}):  # fmt: skip
        answer = values.request("POST", "/echo/strings", body=b'["a"]', headers=headers)
        problem(answer, 415)
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/vnd.mine+json"):
        assert values.request("POST", "/echo/strings", body=b'["a"]', headers={"Content-Type": kind}).status == 200


def test_bodies_are_bounded(values):
    largest = 4 << 20
    text = "a" * (largest - 4)
    assert len(post(values, "/echo/strings", [text]).body) == largest - 2
    problem(post(values, "/echo/strings", [text + "a"]), 413)
    with values.connect() as connection:  # one that does not say how large it is
        connection.send_request("POST", "/echo/strings", {**JSON, "Transfer-Encoding": "chunked"})
        try:
            for _ in range(100):
                connection.send_chunk(b" " * 65536)
        except OSError:
            pass
        problem(connection.read_response(), 413)
    assert post(values, "/greet", ["you"]).status == 200


def test_what_is_held_of_all_bodies_is_bounded(serve):
    server = serve("values.wasm", "--json", "--threads", "1")
    slow = [server.connect() for _ in range(20)]
    for connection in slow:
        connection.send_request("POST", "/echo/strings", {**JSON, "Transfer-Encoding": "chunked"})
    refused = []
    for connection in slow:  # each nearly as large as one may be, and never finished
        try:
            connection.send_chunk(b'"' + b"a" * (4_000_000))
        except OSError:
            pass

    def answered():
        for connection in slow:
            connection.socket.settimeout(0.05)
            try:
                if connection not in refused and connection.more():
                    refused.append(connection)
            except (TimeoutError, ConnectionResetError):
                pass
        return len(refused) >= 4

    assert eventually(answered, 10), len(refused)
    assert len(refused) == 4 and all(b"HTTP/1.1 503 " in connection.pending for connection in refused)
    assert SANITIZED or server.resident_kib() < 250_000
    for connection in slow:
        connection.close()
    assert eventually(lambda: post(server, "/greet", ["you"]).status == 200)


def test_a_body_that_does_not_come(values):
    started = time.monotonic()
    with values.connect() as connection:
        connection.send(b"POST /greet HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n[")
        problem(connection.read_response(), 408)
    assert 0.75 * PATIENCE < time.monotonic() - started < 6 * PATIENCE
    for _ in range(20):  # clients that leave within it
        with values.connect() as connection:
            connection.send(b"POST /greet HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n[")
            connection.reset()
    assert post(values, "/greet", ["you"]).status == 200


def test_functions_that_fail(values, functions):
    told = problem(post(values, "/echo/trap"), 500)
    assert told["detail"] == "the component failed" and "error" not in told
    values.wait_for_log("POST /echo/trap: wasm trap")
    problem(post(values, "/echo/endless"), 504)
    problem(post(functions, "/lie"), 500)
    assert post(values, "/greet", ["you"]).status == 200


def test_other_requests_go_on_beside_an_endless_one(serve):
    server = serve("values.wasm", "--json", "--threads", "1", "--timeout", "3")
    endless = threading.Thread(target=lambda: problem(post(server, "/echo/endless", timeout=20), 504))
    endless.start()
    for _ in range(20):
        assert post(server, "/greet", ["you"]).status == 200
    endless.join()


def test_states(serve):
    fresh = serve("functions.wasm", "--json", "--threads", "1")
    assert [post(fresh, "/count").body for _ in range(3)] == [b"1"] * 3
    reused = serve("functions.wasm", "--json", "--threads", "1", "--isolation", "reused:3")
    assert [post(reused, "/count").body for _ in range(7)] == [b"1", b"2", b"3", b"1", b"2", b"3", b"1"]
    problem(post(reused, "/lie"), 500)  # the instance goes with it
    assert post(reused, "/count").body == b"1"


def test_what_is_not_served_is_named(functions, serve, call, guests):
    told = problem(post(functions, "/make"), 501)
    assert "its type holds" in told["detail"] and "thing" in told["detail"]
    listed = json.loads(functions.get("/").body)
    assert [function["name"] for function in listed["notServed"]] == ["make"]
    assert "/make" not in json.loads(functions.get("/openapi.json").body)["paths"]
    functions.wait_for_log("/make is not served")
    refused = call("run", guests / "c-hello.wasm", "--json")
    assert refused.status == 1 and "no function can be served with JSON" in error_line(refused)
    assert "wasi:http/incoming-handler@0.2" in refused.err and "incoming-request" in refused.err
    both = call("run", guests / "values.wasm", "--json", "--cgi")
    assert both.status == 2 and "--cgi and --json" in error_line(both)


def test_functions_reach_what_they_were_granted(serve, tmp_path):
    """`wasi:cli/run` of any command is a function, too; what it prints goes to the log."""
    server = serve("files.wasm", "--json", "--dir", f"{tmp_path}::/data")
    assert post(server, "/run/run").status == 204
    assert eventually(lambda: "preopens /data" in server.log)


def test_a_large_answer(functions):
    answer = post(functions, "/fill", [100_000], timeout=30)
    assert answer.status == 200 and len(json.loads(answer.body)) == 100_000
    problem(post(functions, "/fill", [200_000]), 500)


def test_many_at_once(values):
    wrong = []

    def ask(number):
        with values.connect(30) as connection:
            for i in range(50):
                body = json.dumps([f"{number}-{i}"]).encode()
                connection.send_request("POST", "/echo/strings", JSON, body)
                answer = connection.read_response()
                if answer.status != 200 or json.loads(answer.body) != f"{number}-{i}":
                    wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
