"""unbolt:pins: the example cpp-lights, the same file on each board."""

import json
import threading
import time

from conftest import PATIENCE, error_line, stop_all

PINS = "pins=left:output,middle:output,alert:output,door:input,dimmer:analog:2000,mood:led"


def board(server):
    return dict(line.split(" ", 1) for line in server.get("/").text.splitlines())


def events(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def until(what):
    for _ in range(100 * PATIENCE):
        if what():
            return True
        time.sleep(0.05)
    return False


def test_patterns_and_an_alert_light_on_a_board_of_memory(serve):
    lights = serve("cpp-lights.wasm", "--link", f"unbolt:pins=memory:?{PINS}")
    assert list(board(lights)) == ["alert", "dimmer", "door", "left", "middle", "mood"]
    assert lights.request("PUT", "/alert").text == "done\n"
    assert board(lights)["alert"] == "output high"
    assert lights.request("DELETE", "/alert").status == 200
    assert board(lights)["alert"] == "output low"
    assert lights.request("POST", "/breathe").status == 200
    assert board(lights)["mood"] == "led 0/0/0"


def test_a_wire_between_two_pins_opens_the_door(serve):
    lights = serve("cpp-lights.wasm", "--link", f"unbolt:pins=memory:?{PINS}&wires=left:door")
    answers = []
    guard = threading.Thread(target=lambda: answers.append(lights.request("POST", "/guard").text))
    guard.start()
    # The watch sees what comes after it was made.
    assert until(lambda: answers or lights.request("POST", "/chase").status != 200)
    guard.join()
    assert answers == ["the door was opened\n"]
    assert board(lights)["alert"] == "output high"


def test_a_pattern_is_drawn_and_told_by_the_simulator(serve, tmp_path):
    told, control = tmp_path / "events", tmp_path / "control"
    lights = serve("cpp-lights.wasm", "--link", f"unbolt:pins=simulator:?{PINS}&events={told}&control={control}")
    assert lights.request("POST", "/chase").text == "done\n"
    chased = [("left", "high"), ("left", "low"), ("middle", "high"), ("middle", "low"),
              ("middle", "high"), ("middle", "low"), ("left", "high"), ("left", "low")]
    # The whole board comes first.
    assert until(lambda: [(e["pin"], e["level"]) for e in events(told)[6:]] == chased), told.read_text()
    control.write_text("door high\n")
    assert until(lambda: board(lights)["door"] == "input high")


def test_a_board_that_is_not_there_is_said(call, serve, guests):
    refused = call("run", guests / "cpp-lights.wasm", "--listen", "127.0.0.1:0",
                   "--link", "unbolt:pins=gpio:gpiochip99?pins=alert:output:17")
    assert refused.status in (1, 2) and "gpio:/dev/gpiochip99: No such file or directory" in error_line(refused)
    unlinked = serve("cpp-lights.wasm")
    answer = unlinked.get("/")
    assert answer.status == 503 and "no board is linked" in answer.text


def test_a_swap_while_patterns_run(app, guests):
    """From a board of memory to one on the screen, and back: no request fails, and both get their part."""
    told = app.folder / "events"
    urls = [f"memory:?{PINS}", f"simulator:?{PINS}&events={told}"]
    app.write(f"name: lights\ncomponents:\n  lights:\n    image: {guests / 'cpp-lights.wasm'}\n"
              f"    links: {{'unbolt:pins': '{urls[0]}'}}\n")
    host = app.up()
    statuses, stop = [], threading.Event()

    def run():
        while not stop.is_set():
            statuses.append(host.request("POST", "/chase").status)

    pattern = threading.Thread(target=run)
    pattern.start()
    try:
        for url in (urls[1], urls[0], urls[1]):
            before = len(statuses)
            change = app.swap("lights", f"unbolt:pins={url}")
            assert change["drained"]
            assert until(lambda: len(statuses) > before + 1)
    finally:
        stop.set()
        pattern.join()
    assert set(statuses) == {200}, statuses
    assert until(lambda: {"pin": "left", "kind": "output", "level": "high"} in events(told))
    assert board(host)["left"] == "output low"
    stop_all(app.servers)
