"""What a component gets: nothing, and then what was granted on the command line."""

import socket

import pytest

GUEST = "reach.wasm"


def lines(response):
    assert response.status == 200, response
    return response.text.splitlines()


def variables(server):
    return [line for line in lines(server.get("/env")) if not line.startswith("argument: ")]


def test_the_environment_is_empty(serve):
    server = serve(GUEST, env={"SECRET_OF_THE_HOST": "x"})
    assert variables(server) == []


def test_the_environment_is_what_was_given(serve):
    server = serve(GUEST, "--env", "A=1", "--env", "B=two = 2", "--env", "EMPTY=")
    assert variables(server) == ["A=1", "B=two = 2", "EMPTY="]


def test_an_http_component_may_have_arguments(serve):
    server = serve(GUEST, "--", "one", "--listen")
    said = [line for line in lines(server.get("/env")) if line.startswith("argument: ")]
    assert said[-2:] == ["argument: one", "argument: --listen"]


def test_configuration_is_empty(serve):
    server = serve(GUEST)
    assert lines(server.get("/config")) == []
    assert server.get("/config?key=colour").status == 404


def test_configuration_is_what_was_given(serve):
    server = serve(GUEST, "--config", "colour=green", "--config", "formula=a=b")
    assert sorted(lines(server.get("/config"))) == ["colour=green", "formula=a=b"]
    assert server.get("/config?key=colour").text == "green\n"
    assert server.get("/config?key=formula").text == "a=b\n"
    assert server.get("/config?key=other").status == 404
    assert server.get("/config?bad=1").status == 500


def test_no_folder_is_given(serve):
    assert lines(serve(GUEST).get("/fs?path=../../etc/hostname")) == ["folders=0"]


def test_no_socket_connects(serve):
    server = serve(GUEST)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.5)
        said = lines(server.get(f"/sockets?port={listener.getsockname()[1]}"))
        assert "connect=started" not in said
        # access-denied, or not-supported
        assert {"socket-error=1", "connect-error=1", "socket-error=2"} & set(said), said
        with pytest.raises(TimeoutError):
            listener.accept()


def test_no_name_is_looked_up(serve):
    (said,) = lines(serve(GUEST).get("/names?name=localhost"))
    assert said in ("lookup-error=1", "lookup-error=2")


def test_exit_ends_the_request_and_not_the_program(serve):
    server = serve(GUEST)
    for _ in range(3):
        assert server.get("/exit").status == 500
    assert server.get("/env").status == 200
    assert server.running()


def test_standard_error_reaches_the_operator(serve):
    server = serve(GUEST)
    assert server.get("/stderr").text == "written\n"
    server.wait_for_log("a line for the operator")


def test_logging_reaches_the_operator(serve):
    server = serve(GUEST)
    assert server.get("/log?level=3&message=careful").text == "logged\n"
    line = server.wait_for_log(r".*careful.*")[0]
    assert "reach" in line
    assert "warn" in line.lower()


def test_inspect_shows_what_a_component_would_reach_for(call, guests):
    out = call("inspect", guests / GUEST).out
    for interface in ["wasi:filesystem/types@0.2.12", "wasi:sockets/tcp@0.2.12", "wasi:config/store@0.2.0-rc.1"]:
        assert interface in out
