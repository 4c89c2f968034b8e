"""`unbolt schema`: what editors know of a manifest is what the parser knows."""

import json
import pathlib
import re
import subprocess

import pytest
from conftest import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDENS = ROOT / "tests/golden"
# What no schema can see: what the parts have to do with one another, and values of variables.
UNSEEN = {"components_that_are_not_there", "cycles", "routes_twice", "duplicate_keys", "variables"}


@pytest.fixture(scope="module")
def schema(unbolt):
    printed = subprocess.run([unbolt, "schema"], capture_output=True, text=True, timeout=30 * PATIENCE)
    assert printed.returncode == 0 and printed.stderr == ""
    return json.loads(printed.stdout)


@pytest.fixture(scope="module")
def validate(schema):
    """validate(manifests): by name, what the public validator says is wrong with them, or None."""
    python = subprocess.run([ROOT / "scripts/test_tools.sh"], capture_output=True, text=True, check=True).stdout.strip()

    def ask(manifests):
        asked = json.dumps({"schema": schema, "manifests": manifests})
        program = [python, ROOT / "tests/e2e/json/validate_manifests.py"]
        finished = subprocess.run(program, input=asked, capture_output=True, text=True, timeout=120 * PATIENCE)
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    return ask


def sections(path):
    """{name: text} of a file whose sections begin with `--- NAME`."""
    parts = re.split(r"^--- (.+)\n", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def test_what_the_parser_takes_fits_the_schema(validate):
    manifests = {}
    for path in sorted((GOLDENS / "plan").glob("*.txt")):
        for name in ("actual", "desired"):
            if text := sections(path)[name]:
                manifests[f"{path.stem}, {name}"] = text
    examples = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/manifest.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    manifests |= {f"example {index}": text for index, text in enumerate(examples)}
    manifests["empty fields"] = "components:\n  a:\n    image: a.wasm\n    links:\n    limits:\nroutes:\n"
    manifests["numbers"] = "components: {a: {image: a.wasm, config: {a: 1, b: true, c: 1.5}, limits: {memory: 65536, instances: 3}}}"
    assert {name: wrong for name, wrong in validate(manifests).items() if wrong} == {}


def test_what_the_parser_refuses_does_not(validate):
    manifests = {}
    for path in sorted((GOLDENS / "manifest").glob("*.txt")):
        if path.stem not in UNSEEN and not path.stem.startswith("yaml_"):
            manifests[path.stem] = sections(path)["unbolt.yaml"]
    assert len(manifests) >= 12
    assert [name for name, wrong in validate(manifests).items() if not wrong] == []


def test_every_field_says_what_it_is(schema):
    count = 0

    def look(node):
        nonlocal count
        if isinstance(node, list):
            for item in node:
                look(item)
        elif isinstance(node, dict):
            for field in node.get("properties", {}).values():
                assert len(field["description"]) > 10
                count += 1
            for value in node.values():
                look(value)

    look(schema)
    assert count >= 20
