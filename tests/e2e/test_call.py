"""`unbolt call`: exported functions with JSON in and JSON out, through the guest `values`, which gives back what it got."""

import json

import pytest

from conftest import error_line

ORDER = {"id": 18446744073709551615, "at": {"x": -1, "y": 2147483647}, "maxAge": 7, "tags": ["a", "ü"], "raw": [0, 255]}


@pytest.fixture
def echo(call, guests):
    def run(function, *arguments):
        finished = call("call", guests / "values.wasm", f"test:values/echo.{function}", json.dumps(list(arguments)))
        assert finished.status == 0, finished
        return json.loads(finished.out) if finished.out else None

    return run


@pytest.mark.parametrize(
    "function, value",
    [
        ("bools", True),
        ("bools", False),
        ("chars", "x"),
        ("chars", "€"),
        ("chars", "😀"),
        ("strings", ""),
        ("strings", "grüß 😀 \u0000 \\ \""),
        ("bytes", []),
        ("bytes", list(range(256))),
        ("words", [["a"], [], ["b", ""]]),
        ("points", [{"x": 1, "y": -2}, {"x": 0, "y": 0}]),
        ("orders", ORDER),
        ("orders", {**ORDER, "maxAge": None}),
        ("shapes", [{"tag": "nothing"}, {"tag": "circle", "val": 1.5}, {"tag": "at", "val": {"x": 3, "y": 4}},
                    {"tag": "many", "val": [1, 2]}, {"tag": "named", "val": "n"}]),
        ("colors", ["red", "dark-blue", "green"]),
        ("allowed", {"canRead": True, "canWrite": False, "execute": True}),
        ("options", None),
        ("options", "some"),
        ("nested", {"tag": "none"}),
        ("nested", {"tag": "some", "val": None}),
        ("nested", {"tag": "some", "val": 5}),
        ("outcomes", [{"tag": "ok"}, {"tag": "err", "val": "dark-blue"}]),
        ("pairs", [255, ["x", -0.25]]),
        ("pairs", [0, None]),
    ],
)  # fmt: skip
def test_a_value_comes_back_as_it_went(echo, function, value):
    assert echo(function, value) == value


def test_numbers_to_their_limits(echo):
    assert echo("signed", -128, -32768, -2147483648, -9223372036854775808) == [
        -128, -32768, -2147483648, -9223372036854775808,
    ]  # fmt: skip
    assert echo("unsigned", 255, 65535, 4294967295, 18446744073709551615) == [255, 65535, 4294967295, 18446744073709551615]
    assert echo("unsigned", 0, 0, 0, "18446744073709551615")[3] == 18446744073709551615
    assert echo("floats", 0.1, 1e300) == [0.1, 1e300]
    assert echo("floats", "NaN", "-Infinity") == ["NaN", "-Infinity"]


def test_arguments_that_go_through_memory(echo):
    assert echo("wide", ORDER, {**ORDER, "tags": []}, 3) == [ORDER, {**ORDER, "tags": []}, 3]


def test_nothing_in_and_out(echo):
    assert echo("nothing") is None


def test_the_other_ways_to_say_it(call, guests):
    values = guests / "values.wasm"
    for name in ("test:values/echo.signed", "echo.signed"):
        by_name = call("call", values, name, '{"d": 4, "a": 1, "c": 3, "b": 2}')
        assert by_name.out == "[1,2,3,4]\n", by_name
    assert call("call", values, "greet", '["you"]').out == '"hello, you"\n'
    assert call("call", values, "greet", "-", stdin=b'["stdin"]').out == '"hello, stdin"\n'
    assert call("call", values, "echo.allowed", '[{"can-read": true}]').out == (
        '{"canRead":true,"canWrite":false,"execute":false}\n'
    )
    assert call("call", values, "echo.nothing").out == ""


def test_a_result_is_told_by_the_exit_status(call, guests):
    values = guests / "values.wasm"
    good = call("call", values, "echo.results", '[{"tag": "ok", "val": 7}]')
    assert (good.status, good.out, good.err) == (0, "7\n", "")
    bad = call("call", values, "echo.results", '[{"tag": "err", "val": "why"}]')
    assert (bad.status, bad.out) == (1, "") and error_line(bad) == 'error: the function answered with an error: "why"'


@pytest.mark.parametrize(
    "function, arguments, expected",
    [
        ("strings", "[", "the arguments: no JSON: line 1, column 2"),
        ("strings", "[]", "array of 1 argument, or"),
        ("strings", "7", "array of 1 argument, or"),
        ("strings", '["a", "b"]', "array of 1 argument, or"),
        ("strings", "[7]", "argument x: expected a string, found 7"),
        ("strings", '{"y": "a"}', 'no argument has the name "y"'),
        ("strings", '{"x": "a", "y": "a"}', 'no argument has the name "y"'),
        ("strings", "{}", "argument x is missing; the function is func(x: string) -> string"),
        ("floats", "[1e999, 0]", "the arguments: no JSON: number overflow parsing '1e999'"),
        ("signed", "[128, 0, 0, 0]", "argument a: expected a number of type s8, found 128"),
        ("signed", "[-129, 0, 0, 0]", "argument a"),
        ("signed", "[0, 0, 0, 9223372036854775808]", "argument d"),
        ("signed", "[1.5, 0, 0, 0]", "argument a"),
        ("unsigned", "[-1, 0, 0, 0]", "argument a: expected a number of type u8, found -1"),
        ("unsigned", '[0, 0, 0, "18446744073709551616"]', "argument d"),
        ("unsigned", '["1", 0, 0, 0]', "argument a"),
        ("floats", '["inf", 0]', "argument a: expected a number"),
        ("chars", '["ab"]', "a string of one character"),
        ("chars", '[""]', "a string of one character"),
        ("bools", "[0]", "true or false"),
        ("bytes", "[[1, 256]]", "argument x[1]: expected a number of type u8, found 256"),
        ("orders", '[{"id": 1}]', 'argument x: expected a member "at"'),
        ("orders", '[{"id": 1, "at": {"x": 1, "y": "2"}, "tags": [], "raw": []}]', "argument x.at.y: expected"),
        ("orders", '[{"id": 1, "at": {"x": 1, "y": 2}, "tags": [], "raw": [], "more": 1}]', 'found "more"'),
        ("shapes", '[[{"tag": "square"}]]', 'argument x[0]: expected {"tag": …, "val": …} with one of "nothing", "circle"'),
        ("shapes", '[[{"tag": "nothing", "val": 1}]]', 'only a "tag"'),
        ("shapes", '[[{"tag": "circle"}]]', "argument x[0].val: expected a number"),
        ("shapes", '[[{"tag": "circle", "val": 1, "vol": 2}]]', 'only "tag" and "val"'),
        ("colors", '[["blue"]]', 'one of "red", "green", "dark-blue"'),
        ("allowed", '[{"canFly": true}]', 'found "canFly"'),
        ("allowed", '[{"canRead": 1}]', "true or false for can-read"),
        ("pairs", "[[1]]", "an array of 2"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit(call, guests, function, arguments, expected):
    finished = call("call", guests / "values.wasm", f"echo.{function}", arguments)
    assert finished.status == 2 and expected in error_line(finished), finished


def test_functions_that_cannot_be_called(call, guests):
    missing = call("call", guests / "values.wasm", "echo.none")
    assert missing.status == 1 and "no function 'echo.none'; it exports" in missing.err
    assert "test:values/echo.strings: func(x: string) -> string" in missing.err
    meant = call("call", guests / "values.wasm", "echo.stringz")
    assert meant.status == 1 and "did you mean echo.strings?" in meant.err
    handler = call("call", guests / "c-hello.wasm", "incoming-handler.handle")
    assert handler.status == 1 and "its type holds incoming-request, which has no value" in handler.err


def test_a_trap_and_an_endless_call(call, guests):
    trap = call("call", guests / "values.wasm", "echo.trap")
    assert trap.status == 1 and "echo.trap: wasm trap" in error_line(trap)
    endless = call("call", guests / "values.wasm", "echo.endless", "--timeout", "0.3")
    assert endless.status == 1 and "echo.endless: " in error_line(endless) and "deadline" in endless.err, endless


def test_a_function_reaches_what_it_was_granted(call, guests, tmp_path):
    """`wasi:cli/run` of any command is a function, too."""
    (tmp_path / "f").write_text("x")
    finished = call("call", guests / "files.wasm", "run.run", "--dir", f"{tmp_path}::/data")
    assert finished.status == 0 and finished.err == "preopens /data\n", finished
