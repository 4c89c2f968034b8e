#!/usr/bin/env bash
# Runs the tests of a preset that is already compiled. The last line is `N passed, N failed`; each case of an
# end-to-end file counts as one.
#
#   scripts/run_tests.sh PRESET [CTEST-ARGUMENT]...
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${1:?a preset: dev, release, asan or tsan}
shift
cd "$root" || exit 1
scripts/test_tools.sh >/dev/null || exit 1
rm -rf "build/$preset/results"
mkdir -p "build/$preset/results"
ctest --preset "$preset" --parallel "$(nproc)" --output-junit results/ctest.xml "$@"
status=$?
python3 - "build/$preset/results" <<'PYTHON'
import pathlib, sys
import xml.etree.ElementTree as xml

folder = pathlib.Path(sys.argv[1])
passed, failed, skipped = 0, [], []

def count(name, case):
    global passed
    if case.find("failure") is not None or case.find("error") is not None:
        failed.append(name)
    elif case.find("skipped") is not None:
        skipped.append(name)
    else:
        passed += 1

report = folder / "ctest.xml"
if not report.is_file():
    sys.exit("error: ctest left no report")
for test in xml.parse(report).getroot().iter("testcase"):
    name = test.get("name")
    if test.get("status") == "disabled":
        continue
    cases = folder / (name + ".xml")
    try:
        found = list(xml.parse(cases).getroot().iter("testcase")) if cases.is_file() else []
    except xml.ParseError:
        found = []
    broken = 0
    for case in found:
        before = len(failed)
        count(f"{name}: {case.get('name')}", case)
        broken += len(failed) - before
    # A file that died before it could report counts as one failure.
    if not found or (broken == 0 and test.find("failure") is not None):
        count(name, test)
for name in skipped:
    print(f"skipped: {name}")
for name in failed:
    print(f"failed:  {name}")
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed or passed == 0 else 0)
PYTHON
summary=$?
exit $((status != 0 || summary != 0))
