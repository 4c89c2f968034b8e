#!/usr/bin/env bash
# clang-tidy (.clang-tidy, every finding an error) over the sources that changed since the branch left main, or over
# all of them with --all. Uses the compile commands of build/dev.
#
#   UNBOLT_TIDY_BASE    the commit to compare with (default: where HEAD left origin/main)
#   UNBOLT_TIDY_LIMIT   at most so many files, 0 for all (default: 60; which ones were left out is said)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
limit=${UNBOLT_TIDY_LIMIT:-60}
all() { git ls-files -- 'src/*.cc'; }
changed() {
  local base=${UNBOLT_TIDY_BASE:-}
  if [ -z "$base" ]; then
    base=$(git merge-base HEAD origin/main 2>/dev/null) || base=
    # On main itself: what its last commit changed.
    if [ -n "$base" ] && [ "$base" = "$(git rev-parse HEAD)" ]; then base=$(git rev-parse -q --verify HEAD~1) || base=; fi
  fi
  if [ -z "$base" ]; then all; return; fi
  # A header is checked through the source of its name.
  {
    git diff --name-only --diff-filter=d "$base" -- 'src/*.cc' 'src/*.h'
    git ls-files --others --exclude-standard -- 'src/*.cc' 'src/*.h'
  } | sed 's/\.h$/.cc/' | LC_ALL=C sort -u
}
if [ "${1:-}" = --all ]; then limit=0; list=$(all); else list=$(changed); fi

# Only what this build compiles (a test of the fuzzers' build is not in it).
mapfile -t files < <(python3 - "$list" <<'PYTHON'
import json, os, sys
known = {os.path.relpath(e["file"]) for e in json.load(open("build/dev/compile_commands.json"))}
for name in sys.argv[1].splitlines():
    if name in known and os.path.exists(name):
        print(name)
PYTHON
)
if [ "$limit" -gt 0 ] && [ ${#files[@]} -gt "$limit" ]; then
  echo "tidy: ${#files[@]} files changed, looking at the first $limit only (make tidy looks at all)"
  files=("${files[@]:0:$limit}")
fi
if [ ${#files[@]} -eq 0 ]; then
  echo "tidy: no file to look at"
  exit 0
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c '
  if output=$(clang-tidy-19 --quiet -p build/dev "$1" 2>&1); then
    echo "tidy: $1"
  else
    printf "%s\n" "$output" | grep -v "warnings generated\|Suppressed\|Use -header-filter"
    echo "tidy: $1 FAILED"
    exit 1
  fi' _ || { echo "error: clang-tidy found something above" >&2; exit 1; }
echo "tidy: ${#files[@]} files"
