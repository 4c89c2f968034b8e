#!/usr/bin/env bash
# Runs the tests of native/guest, the tool that makes components of what compilers leave.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"
if ! unbolt_find_rust; then
  echo "error: no cargo and rustc of version $unbolt_rust_minimum or later: run scripts/setup.sh" >&2
  exit 1
fi
CARGO_TARGET_DIR=${UNBOLT_NATIVE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/unbolt/native} \
  cargo test --release --locked --manifest-path "$root/native/Cargo.toml" -p unbolt-guest
