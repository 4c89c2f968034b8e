#!/usr/bin/env bash
# Builds native/oracle, the reference engine's own component API as a process, into the user's cache folder: minutes the
# first time, nothing when neither its sources nor the compiler changed. Prints where the program lies.
#
#   UNBOLT_NATIVE_DIR   cargo's target folder of native/ (default: ${XDG_CACHE_HOME:-~/.cache}/unbolt/native)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${UNBOLT_NATIVE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/unbolt/native}
# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"

if ! unbolt_find_rust; then
  echo "error: no cargo and rustc of version $unbolt_rust_minimum or later: run scripts/setup.sh" >&2
  exit 1
fi

mkdir -p "$target"
exec 9>"$target/.unbolt-lock"
flock 9

now=$({
  cd "$root/native"
  find Cargo.lock oracle -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  rustc -vV
  echo "RUSTFLAGS=${RUSTFLAGS:-}"
} | sha256sum | cut -c 1-16)
# Clones share the folder: each has the program that its own sources make, whatever an other one builds meanwhile.
program="$target/oracle/unbolt-oracle-$now"
if [ ! -x "$program" ]; then
  echo "native/oracle: building the engine with its component API (minutes the first time)" >&2
  # Cargo goes by the files' times. By itself: it asks for other features of the engine than the library.
  (cd "$root/native" && CARGO_TARGET_DIR="$target" cargo clean --quiet --release --locked -p unbolt-oracle)
  (cd "$root/native" && CARGO_TARGET_DIR="$target" cargo build --release --locked -p unbolt-oracle) >&2
  mkdir -p "$target/oracle"
  find "$target/oracle" -type f -mtime +30 -delete
  install -m 755 "$target/release/unbolt-oracle" "$program.new"
  mv "$program.new" "$program"
fi
echo "$program"
