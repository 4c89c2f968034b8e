#!/usr/bin/env bash
# Runs the tests of a preset that is already compiled. The last line is `N passed, N failed`; each case of an
# end-to-end file counts as one.
#
# At most five tests that fail run once more, alone: what passes then is counted, and named `flaky:`. A sanitizer's
# report is never forgiven.
#
#   scripts/run_tests.sh PRESET [CTEST-ARGUMENT]...
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${1:?a preset: dev, release, asan or tsan}
shift
cd "$root" || exit 1
scripts/test_tools.sh >/dev/null || exit 1
UNBOLT_NATS_SERVER=$(scripts/nats_server.sh) || exit 1
export UNBOLT_NATS_SERVER
rm -rf "build/$preset/results"
mkdir -p "build/$preset/results"
ctest --preset "$preset" --parallel "$(nproc)" --output-junit results/ctest.xml "$@"
status=$?
# may_run_again: a regular expression of the tests that failed, if they are few and no sanitizer spoke.
may_run_again() {
  python3 - "build/$preset/results/ctest.xml" <<'PYTHON'
import re, sys
import xml.etree.ElementTree as xml

failed = [test for test in xml.parse(sys.argv[1]).getroot().iter("testcase") if test.find("failure") is not None]
report = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: ")
if 0 < len(failed) <= 5 and not any(report.search(test.findtext("system-out") or "") for test in failed):
    print("^(" + "|".join(re.sub(r"([^\w])", r"[\1]", test.get("name")) for test in failed) + ")$")
PYTHON
}
if [ $status -ne 0 ] && again=$(may_run_again) && [ -n "$again" ]; then
  echo "these failed, and run once more, alone: $again"
  ctest --preset "$preset" --output-junit results/again.xml -R "$again"
  status=$?
fi
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

def tests(report):
    if not report.is_file():
        return {}
    return {test.get("name"): test for test in xml.parse(report).getroot().iter("testcase")}

first = tests(folder / "ctest.xml")
if not first:
    sys.exit("error: ctest left no report")
again = tests(folder / "again.xml")
flaky = [name for name, test in again.items() if test.find("failure") is None]
for name, test in {**first, **again}.items():
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
for name in flaky:
    print(f"flaky:   {name} (failed beside others, passed alone)")
for name in failed:
    print(f"failed:  {name}")
print(f"{passed} passed, {len(failed)} failed")
sys.exit(1 if failed or passed == 0 else 0)
PYTHON
summary=$?
exit $((status != 0 || summary != 0))
