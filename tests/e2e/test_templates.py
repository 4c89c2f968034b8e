"""Each project that `unbolt new` makes builds with its language's own tools, and does what it says."""

import re
import urllib.request

import pytest

from conftest import PATIENCE, SANITIZED
from test_dev import dev, new  # noqa: F401  fixtures
from test_dev_languages import prepare

# The kind http is what test_dev.py and test_dev_languages.py build and edit.
KINDS = ["keyvalue", "messages", "cli", "pins"]
# What the sanitizers look at is the host, which is the same behind every language; these build in a second.
LANGUAGES = ["c", "cpp"] if SANITIZED else ["c", "cpp", "go", "js", "python", "rust", "zig"]


def image_of(project):
    (line,) = re.findall(r"image: (\S+)", (project / "unbolt.yaml").read_text())
    return project / line


def put(running):
    request = urllib.request.Request(running.address + "/", method="PUT")
    with urllib.request.urlopen(request, timeout=20 * PATIENCE) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_project_does_what_it_says(call, dev, new, monkeypatch, language, kind):  # noqa: F811
    # Of one name for all: what Rust keeps of a build is found again by it.
    project = new(language, kind, name=f"{language}-{kind}")
    environment = prepare(language, project, monkeypatch)
    if kind == "cli":
        built = call("build", project, env=environment)
        assert built.status == 0, built
        ran = call("run", image_of(project), "--", "and", "you")
        assert ran.out == f"Hello from {language}-cli and you\n", ran
        return
    running = dev(project, **environment)
    running.wait_for("built in", seconds=240)
    if kind == "keyvalue":
        running.get_until("/apples was visited 1 time", "/apples", seconds=60)
        assert "/apples was visited 2 times" in running.get("/apples")
        assert "/pears was visited 1 time" in running.get("/pears?ripe")
    elif kind == "messages":
        assert running.get().startswith("405: POST a message")
        assert running.get("/", data=b"a message of mine") == "published\n"
        running.wait_for(f"{language}-messages.*a message of mine")
    else:
        assert running.get().startswith("405: PUT or DELETE")
        assert put(running) == "the alert light is on\n"
    assert "every import is met" in call("inspect", image_of(project)).out
    assert running.stop() == 0
