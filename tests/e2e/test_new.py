"""`unbolt new` makes projects that build here, `unbolt doctor` says with what."""

import json
import os
import subprocess

import pytest

from conftest import error_line

def test_a_project_has_what_its_world_uses_and_no_more(call, tmp_path):
    assert call("new", tmp_path / "app", "--lang", "c", "--template", "keyvalue").status == 0
    found = sorted(path.name for path in (tmp_path / "app" / "wit" / "deps").iterdir())
    assert "wasi-keyvalue.wit" in found and "wasi-http.wit" in found and "wasi-io.wit" in found
    assert not [name for name in found if "messaging" in name or "config" in name or "blobstore" in name]


@pytest.mark.parametrize(
    "arguments, status, why",
    [
        (["app", "--lang", "cobol"], 2, "cobol"),
        (["app", "--lang", "c", "--template", "opera"], 1, "there is no template opera for c yet: there are cli, http"),
        (["Not-A-Name"], 2, "is no name of a project"),
        (["there"], 1, "is there already"),
    ],
    ids=["language", "kind", "name", "there"],
)
def test_what_is_not_there_is_said_by_name(call, tmp_path, arguments, status, why):
    (tmp_path / "there").mkdir()
    finished = call("new", tmp_path / arguments[0], *arguments[1:])
    assert finished.status == status, finished
    assert why in error_line(finished)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


def test_a_missing_tool_is_said_in_one_line_and_the_project_is_made(unbolt, tmp_path):
    empty = tmp_path / "bin"
    empty.mkdir()
    for tool in ("sh", "cat"):
        (empty / tool).symlink_to(f"/bin/{tool}")
    finished = subprocess.run(
        [unbolt, "new", tmp_path / "app", "--lang", "cpp"],
        env={"PATH": str(empty), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished
    (line,) = [line for line in finished.stdout.splitlines() if line.startswith("to build it: ")]
    assert "no clang here" in line and "apt-get install" in line
    assert (tmp_path / "app" / "main.cc").is_file()


def test_doctor_names_each_language(call):
    finished = call("doctor", "-o", "json")
    assert finished.status == 0, finished
    report = {item["language"]: item for item in json.loads(finished.out)}
    assert set(report) == {"c", "cpp", "go", "js", "python", "rust", "zig"}
    assert report["cpp"]["ready"] and "clang" in report["cpp"]["found"]
    for item in report.values():
        assert bool(item["found"]) == item["ready"] and bool(item["missing"]) != item["ready"]
    assert len(call("doctor").out.splitlines()) == 2 * len(report)


def test_build_says_what_is_wrong(call, tmp_path):
    manifest = tmp_path / "unbolt.yaml"
    manifest.write_text("components: {a: {image: ./a.wasm, build: 'echo so it goes; exit 7'}}\n")
    finished = call("build", tmp_path)
    assert finished.status == 1
    assert "so it goes" in finished.out
    assert "a: the build failed with status 7" in error_line(finished)
    manifest.write_text("components: {a: {image: ./a.wasm, build: 'true'}}\n")
    assert "there is no" in error_line(call("build", tmp_path))
    manifest.write_text("components: {a: ./a.wasm}\n")
    assert "no component of it says how it is built" in error_line(call("build", tmp_path))
    manifest.write_text("components: {a: {image: ./a.wasm, build: 'echo text >a.wasm'}}\n")
    assert call("build", tmp_path).status in (0, 1)
    assert "no component 'b' has a build" in error_line(call("build", tmp_path, "--component", "b"))


def test_an_interrupted_build_ends_with_what_it_started(unbolt, tmp_path):
    (tmp_path / "unbolt.yaml").write_text(
        "components: {a: {image: ./a.wasm, build: 'echo $$ >pid; sleep 100; true'}}\n"
    )
    process = subprocess.Popen([unbolt, "build", tmp_path], stdout=subprocess.PIPE)
    for line in process.stdout:
        break
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert process.poll() is None
    pid = int((tmp_path / "pid").read_text())
    process.terminate()
    assert process.wait(timeout=20) == 128 + 15
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
