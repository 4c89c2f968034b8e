#!/usr/bin/env bash
# Fetches, once, the Python packages of the end-to-end tests that Debian lacks (tests/e2e/json/requirements.txt) into the
# user's cache folder, and prints the interpreter that has them.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/unbolt

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

need() {
  command -v -- "$1" >/dev/null || fail "$1 is missing: scripts/setup.sh installs what the tests need"
}

# shellcheck source=scripts/guests/tools.sh
. "$root/scripts/guests/tools.sh"

# The hashes are those of the wheels for Debian's Python.
PATH=/usr/bin:$PATH
python_tool openapi-validator "$root/tests/e2e/json/requirements.txt" >&2
printf '%s\n' "$tool/bin/python"
