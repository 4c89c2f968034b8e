#!/usr/bin/env bash
# Builds tests/wascap, wasmCloud's library for claims as a process, into the user's cache folder: a minute or two the first
# time. Prints where the program lies.
#
#   UNBOLT_WASCAP_DIR   cargo's target folder (default: ${XDG_CACHE_HOME:-~/.cache}/unbolt/wascap)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${UNBOLT_WASCAP_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/unbolt/wascap}
# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"

if ! unbolt_find_rust; then
  echo "error: no cargo and rustc of version $unbolt_rust_minimum or later: run scripts/setup.sh" >&2
  exit 1
fi
mkdir -p "$target"
exec 9>"$target/.unbolt-lock"
flock 9
(cd "$root/tests/wascap" && CARGO_TARGET_DIR="$target" cargo build --quiet --release --locked) >&2
echo "$target/release/unbolt-wascap"
