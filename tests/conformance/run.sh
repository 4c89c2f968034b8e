#!/usr/bin/env bash
# Runs every .wast file below SUITE, a checkout of a suite in the test language of the Component Model; the last line is
# `N passed, N failed, N skipped`. More options: run.py --help.
#
#   tests/conformance/run.sh SUITE [OPTION]...
#
#   UNBOLT_CONFORMANCE_RUNNER   the runner (default: build/dev/bin/conformance_runner)
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)

fail() {
  printf 'error: %s\n' "$1" >&2
  [[ $# -lt 2 ]] || printf '  %s\n' "${@:2}" >&2
  exit 1
}

suite=${1:-}
[[ -n $suite ]] || fail 'which suite? make conformance SUITE=DIR, where DIR is the folder test/ of' \
  'git clone https://github.com/WebAssembly/component-model'
[[ -d $suite ]] || fail "SUITE=$suite: no such folder"
shift
runner=${UNBOLT_CONFORMANCE_RUNNER:-$root/build/dev/bin/conformance_runner}
[[ -x $runner ]] || fail "$runner: no program; make conformance builds it"

# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"
unbolt_find_rust || fail 'no cargo and rustc; run scripts/setup.sh'
# What takes .wast files apart: built once into the user's cache, by itself.
target=${XDG_CACHE_HOME:-$HOME/.cache}/unbolt/wast
(cd "$here/wast" && CARGO_TARGET_DIR="$target" cargo build --quiet --release --locked)

exec python3 "$here/run.py" "$suite" --wast "$target/release/unbolt-wast" --runner "$runner" \
  --expectations "$here/expectations.toml" "$@"
