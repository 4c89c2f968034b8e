#!/usr/bin/env python3
"""Runs every .wast file below a folder; the last line is `N passed, N failed, N skipped`.

  tests/conformance/run.py SUITE --wast PROGRAM --runner PROGRAM [--expectations FILE] [--only PART-OF-NAME] [--verbose]

A command of a file counts as one. What does not count as it stands is named in expectations.toml, with the reason.
"""

import argparse
import fnmatch
import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib

TIMEOUT = 60


class Expectations:
    """What expectations.toml says of a command. Every entry has to be of use, or it fails the run."""

    def __init__(self, path):
        entries = tomllib.loads(path.read_text()) if path else {}
        self.skips = entries.pop("skip", [])
        self.wordings = entries.pop("wording", [])
        self.newer = entries.pop("newer", [])
        if entries:
            raise SystemExit(f"error: {path}: unknown tables: {', '.join(entries)}")
        for entry in self.skips + self.wordings + self.newer:
            if not entry.get("why"):
                raise SystemExit(f"error: {path}: an entry without a reason: {entry}")
            entry["used"] = entry["seen"] = False

    @staticmethod
    def _matches(entry, file, line=None, kind=None):
        return (any(fnmatch.fnmatch(file, glob) for glob in entry["files"])
                and (line is None or "lines" not in entry or line in entry["lines"])
                and (kind is None or "types" not in entry or kind in entry["types"]))

    def newer_validator(self, file):
        found = [e for e in self.newer if self._matches(e, file)]
        for entry in found:
            entry["used"] = True
        return bool(found)

    def skip(self, file, outcome):
        """The reason why the command does not count; one that passes counts all the same."""
        for entry in self.skips:
            if not self._matches(entry, file, outcome["line"], outcome["type"]):
                continue
            entry["seen"] = True
            if not outcome["passed"] and ("says" not in entry or entry["says"] in outcome["why"]):
                entry["used"] = True
                return entry["why"]
        return None

    def worded_otherwise(self, file, outcome):
        for entry in self.wordings:
            if not outcome["type"].startswith("assert_"):
                continue
            if self._matches(entry, file, outcome["line"]) and entry["says"] in outcome["why"]:
                entry["used"] = True
                return True
        return False

    def useless(self, files):
        """Entries for files of this suite that no command needs any more."""
        return [e for e in self.skips + self.wordings + self.newer
                if not e["used"] and any(self._matches(e, f) for f in files)]


def take_apart(args, file, folder):
    """Runs `unbolt-wast`; an error message, or None."""
    done = subprocess.run([args.wast, file, "--out", folder], capture_output=True, text=True, timeout=TIMEOUT)
    return None if done.returncode == 0 else done.stderr.strip()


def carry_out(args, folder, newer):
    """The outcomes of the file's commands, and what went wrong with the runner itself (None: nothing)."""
    command = [args.runner, folder] + (["--newer-validator"] if newer else [])
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
        out, trouble = done.stdout, None
        if done.returncode != 0:
            trouble = f"the runner ended with status {done.returncode}: {done.stderr.strip()[-2000:]}"
    except subprocess.TimeoutExpired as e:
        out, trouble = (e.stdout or b"").decode(), f"the runner took longer than {TIMEOUT} s"
    return [json.loads(line) for line in out.splitlines()], trouble


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("--wast", required=True)
    parser.add_argument("--runner", required=True)
    parser.add_argument("--expectations", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()

    files = sorted(p for p in args.suite.rglob("*.wast"))
    if not files:
        raise SystemExit(f"error: no .wast file below {args.suite}")
    expected = Expectations(args.expectations)
    count = {"passed": 0, "failed": 0, "skipped": 0}
    reasons = {}
    names = [str(f.relative_to(args.suite)) for f in files]
    for file, name in zip(files, names):
        if args.only not in name:
            continue
        here = {"passed": 0, "failed": 0, "skipped": 0}
        failures = []

        def fail(line, text):
            here["failed"] += 1
            failures.append(f"{name}:{line}: {text}")

        with tempfile.TemporaryDirectory() as folder:
            newer = expected.newer_validator(name)
            trouble = take_apart(args, file, folder)
            outcomes = []
            if trouble is None:
                outcomes, trouble = carry_out(args, folder, newer)
        for outcome in outcomes:
            why = expected.skip(name, outcome)
            if outcome["passed"] or expected.worded_otherwise(name, outcome):
                here["passed"] += 1
            elif why:
                here["skipped"] += 1
                reasons[why] = reasons.get(why, 0) + 1
                if args.verbose:
                    print(f"skipped: {name}:{outcome['line']}: {outcome['type']}: {outcome['why']}")
            else:
                fail(outcome["line"], f"{outcome['type']}: {outcome['why']}")
        if trouble:
            fail(outcomes[-1]["line"] if outcomes else 1, trouble)
        print(f"{name}: {here['passed']} passed, {here['failed']} failed, {here['skipped']} skipped")
        for failure in failures:
            print("  failed: " + failure)
        for key in count:
            count[key] += here[key]
    for why, times in sorted(reasons.items()):
        print(f"skipped {times}: {why}")
    if not args.only:
        for entry in expected.useless(names):
            count["failed"] += 1
            entry = {k: v for k, v in entry.items() if k not in ("used", "seen")}
            print(f"failed: nothing needs this entry of {args.expectations}: {entry}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
