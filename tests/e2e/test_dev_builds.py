"""`unbolt dev` where the project is awkward: builds that hang, several of them, outputs beside sources, very many files."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from conftest import PATIENCE
from test_dev import dev  # noqa: F401  fixture

SEVERAL_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="as many builds as there are cores: here, one")


def processes_in(words):
    """The processes whose command line has these words."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and words.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


@pytest.mark.parametrize("listens", [True, False])
def test_a_build_that_hangs_ends_with_dev(dev, tmp_path, listens):  # noqa: F811
    project = tmp_path / "app"
    project.mkdir()
    sleep = f"sleep {1000 + listens + os.getpid() / 1e7:.7f}"  # nobody else's
    trap = "" if listens else "trap '' TERM INT; "
    (project / "unbolt.yaml").write_text(
        f"components: {{app: {{image: ./build/app.wasm, build: \"{trap}{sleep} & echo hangs; while :; do wait; {sleep}; done\"}}}}\n"
    )
    running = dev(project)
    running.wait_for(r"\| hangs")
    words = sleep.replace(" ", "\0")
    deadline = time.monotonic() + PATIENCE
    while not processes_in(words):  # said before it is begun
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.process.send_signal(signal.SIGINT)
    running.wait_for(r"app +\| the build is ended")
    if not listens:  # who is asked twice waits for nobody
        running.process.send_signal(signal.SIGINT)
    assert running.process.wait(timeout=10 * PATIENCE) == (0 if listens else 130)
    assert not processes_in(words)


def several(project, guests, builds, images="build"):
    """A project of components that are copies of c-hello, each in a folder of its own with its own build."""
    text = "components:\n"
    for name, build in builds.items():
        (project / name).mkdir(parents=True)
        shutil.copy(guests / "c-hello.wasm", project / name / "hello.bin")
        (project / name / "text").write_text("one")
        text += f"  {name}:\n    image: ./{name}/{images}/{name}.wasm\n    build:\n      in: ./{name}\n      command: |\n"
        text += "".join(f"        {line}\n" for line in f"{build}\nmkdir -p {images}; cp hello.bin {images}/{name}.wasm".split("\n"))
    (project / "unbolt.yaml").write_text(text + f"routes: [{{path: /, to: {next(iter(builds))}}}]\n")
    return project


@SEVERAL_CORES
def test_builds_of_several_components_run_side_by_side(dev, guests, tmp_path):  # noqa: F811
    # Each waits for the other one, which never ends where they run in turn.
    meet = "echo {0} begins\ntouch begun; while ! test -e ../{1}/begun; do sleep 0.01; done\necho {0} goes on"
    project = several(tmp_path / "app", guests, {"front": meet.format("front", "store"), "store": meet.format("store", "front")})
    running = dev(project)
    running.wait_for("listening")
    for name in ("front", "store"):
        running.wait_for(rf"{name} +\| {name} begins")
        running.wait_for(rf"{name} +\| {name} goes on")
    assert running.get() == "hello\n"
    # An edit of one builds that alone.
    place = len(running.output)
    (project / "store" / "text").write_text("two")
    running.wait_for("store +\\| built in", after=place)
    time.sleep(0.3)
    assert "front begins" not in running.output[place:]
    assert running.stop() == 0


def test_builds_in_one_folder_run_one_after_the_other(dev, guests, tmp_path):  # noqa: F811
    project = tmp_path / "app"
    project.mkdir()
    shutil.copy(guests / "c-hello.wasm", project / "hello.bin")
    text = "components:\n"
    for name in ("front", "store"):
        text += f"  {name}: {{image: ./build/{name}.wasm, build: 'mkdir .lock && mkdir -p build && sleep 0.3 && cp hello.bin build/{name}.wasm && rmdir .lock'}}\n"
    (project / "unbolt.yaml").write_text(text + "routes: [{path: /, to: front}]\n")
    running = dev(project)
    assert running.get() == "hello\n"
    assert "failed" not in running.output


@SEVERAL_CORES
def test_a_failure_of_one_ends_no_other_build(dev, guests, tmp_path):  # noqa: F811
    project = several(tmp_path / "app", guests, {"front": "sleep 0.5", "store": "grep -q two text || { echo bad; exit 3; }"})
    running = dev(project)
    running.wait_for("store +\\| the build failed with status 3")
    running.wait_for("front +\\| built in")
    running.wait_for("nothing serves before store is built")
    (project / "store" / "text").write_text("two")
    assert running.get() == "hello\n"


def test_a_build_that_makes_its_output_anew_begins_no_other(dev, guests, tmp_path):  # noqa: F811
    # None of these folders is known as one of outputs by its name.
    build = "rm -rf made gen; mkdir -p gen/deep; date +%N > gen/deep/bindings.c; rm -rf gen; mkdir -p gen/deep; cat text > gen/deep/bindings.c; date +%N >> gen/deep/bindings.c"
    project = several(tmp_path / "app", guests, {"app": build}, images="made")
    running = dev(project)
    assert running.get() == "hello\n"
    time.sleep(0.5)
    for count in (2, 3):
        (project / "app" / "text").write_text(f"edit {count}")
        running.wait_for("the new code answers|nothing is different", after=len(running.output))
        time.sleep(0.5)
        assert running.output.count("built in") == count, running.output
    assert running.stop() == 0
    # Nor for who begins with what was left there.
    again = dev(project)
    assert again.get() == "hello\n"
    time.sleep(0.5)
    assert again.output.count("built in") == 1, again.output


def many(folder, count):
    for number in range(count):
        if number % 1000 == 0:
            (folder / str(number)).mkdir(parents=True)
        os.close(os.open(folder / str(number // 1000 * 1000) / f"{number}.c", os.O_CREAT | os.O_WRONLY))


def test_a_hundred_thousand_files(dev, guests, tmp_path):  # noqa: F811
    project = several(tmp_path / "app", guests, {"app": "cat text"})
    # Caches do not count.
    many(project / "node_modules", 60_000)
    begun = time.monotonic()
    running = dev(project)
    running.wait_for("listening")
    assert time.monotonic() - begun < 3 * PATIENCE
    assert "not all is watched" not in running.output
    assert running.stop() == 0
    # Those that do count are watched as far as it goes, and what is left out is said.
    (project / "node_modules").rename(project / "assets")
    many(project / "more" / "deep", 45_000)
    begun = time.monotonic()
    running = dev(project)
    running.wait_for("dev +\\| not all is watched: there are more than 100000 files; left out: [^ ]+")
    running.wait_for("listening")
    assert time.monotonic() - begun < 10 * PATIENCE
    (project / "app" / "text").write_text("two")
    running.wait_for(r"app +\| two")
    running.wait_for("the new code answers|nothing is different")
    assert running.output.count("built in") == 2, running.output
    assert running.stop() == 0


def test_the_kernel_allows_no_more_watches(unbolt, guests, tmp_path):
    project = several(tmp_path / "app", guests, {"app": "cat text"})
    for number in range(50):
        (project / "assets" / str(number)).mkdir(parents=True)
    # The limit is that of a namespace of users, and of nobody else.
    limited = ["unshare", "--user", "--map-root-user", "sh", "-c", 'echo 20 > /proc/sys/user/max_inotify_watches && exec "$@"', "sh"]
    if subprocess.run([*limited, "true"], capture_output=True).returncode != 0:
        pytest.skip("no namespaces of users here")
    process = subprocess.Popen(
        [*limited, unbolt, "dev", project, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
    )
    try:
        for line in process.stdout:
            if "not all is watched" in line:
                assert "the kernel allows no more watches (sysctl fs.inotify.max_user_watches); left out: assets/" in line
                break
        else:
            raise AssertionError("it said nothing")
        assert any("listening" in line for line in process.stdout)
    finally:
        process.kill()
        process.wait()
