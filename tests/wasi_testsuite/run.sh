#!/usr/bin/env bash
# Runs WebAssembly/wasi-testsuite, of which SUITE is a checkout with the built tests (branch prod/testsuite-base), through
# its own runner. The last line is `N passed, N failed, N skipped`.
#
#   UNBOLT=PROGRAM tests/wasi_testsuite/run.sh SUITE
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)

fail() {
  printf 'error: %s\n' "$1" >&2
  [[ $# -lt 2 ]] || printf '  %s\n' "${@:2}" >&2
  exit 1
}

suite=${1:-}
[[ -n $suite ]] || fail 'which suite? make wasi-testsuite SUITE=DIR, where DIR is from' \
  'git clone --branch prod/testsuite-base https://github.com/WebAssembly/wasi-testsuite DIR'
[[ -d $suite ]] || fail "SUITE=$suite: no such folder"
runner=$suite/test-runner/wasi_test_runner.py
[[ -f $runner ]] || fail "SUITE=$suite: no wasi-testsuite: it has no test-runner/wasi_test_runner.py"
folders=()
for manifest in "$suite"/tests/*/testsuite/*/manifest.json; do
  folder=$(dirname -- "$manifest")
  compgen -G "$folder/*.wasm" >/dev/null && folders+=("$folder")
done
[[ ${#folders[@]} -gt 0 ]] || fail "SUITE=$suite: it has no built tests: check out its branch prod/testsuite-base"

UNBOLT=$(readlink -f -- "${UNBOLT:-$root/build/unbolt}")
[[ -x $UNBOLT ]] || fail "$UNBOLT: no program; make build"
export UNBOLT

# What the runner itself needs of Python.
work=$root/build/wasi-testsuite
mkdir -p -- "$work"
python=python3
if ! "$python" -c 'import colorama' 2>/dev/null; then
  python=$work/venv/bin/python
  if ! "$python" -c 'import colorama' 2>/dev/null; then
    python3 -m venv "$work/venv" || fail 'python3 cannot make a virtual environment; on Debian: apt-get install python3-venv'
    "$work/venv/bin/pip" install --quiet -r "$suite/test-runner/requirements/prod.txt"
  fi
fi

report=$work/report.json
rm -f -- "$report"
"$python" "$here/runner.py" "$runner" --runtime-adapter "$here/unbolt.py" --expectations "$here/expectations.toml" \
  --json-output-location "$report" --disable-colors --test-suite "${folders[@]}" >"$work/log" 2>&1 || true
[[ -f $report ]] || { cat -- "$work/log" >&2; fail 'the runner left no report'; }

python3 - "$report" <<'PYTHON'
import json
import sys

suites = json.load(open(sys.argv[1], encoding="utf-8"))["results"]
count = {"passed": 0, "failed": 0, "skipped": 0}
for suite in suites:
    print(f"{suite['name']}: {suite['passed']} passed, {suite['failed']} failed, {suite['skipped']} skipped"
          + (" (this host has WASI 0.2)" if suite["skipped"] and "wasip3" in suite["name"] else ""))
    for test in suite["tests"]:
        outcome = test["outcome"]
        if outcome in ("pass", "xfail"):
            count["passed"] += outcome == "pass"
            count["skipped"] += outcome == "xfail"
        elif outcome == "skip":
            count["skipped"] += 1
        else:
            count["failed"] += 1
            print(f"failed: {suite['name']}: {test['name']}")
            for failure in test["failures"]:
                print("    " + failure.strip().replace("\n", "\n    "))
print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
sys.exit(1 if count["failed"] or not count["passed"] else 0)
PYTHON
