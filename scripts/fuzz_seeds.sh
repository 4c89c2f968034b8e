#!/usr/bin/env bash
# Takes the binaries out of every .wast file below SUITE, a checkout of a suite in the test language of the Component
# Model, as inputs for the fuzzers that read files: into build/fuzz/corpus/NAME, named by what they hold.
#
#   scripts/fuzz_seeds.sh SUITE
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
suite=${1:?which suite? scripts/fuzz_seeds.sh SUITE}
[[ -d $suite ]] || { echo "error: $suite: no such folder" >&2; exit 1; }
suite=$(cd -- "$suite" && pwd)

# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"
unbolt_find_rust || { echo 'error: no cargo and rustc; run scripts/setup.sh' >&2; exit 1; }
# What takes .wast files apart, as tests/conformance/run.sh builds it.
target=${XDG_CACHE_HOME:-$HOME/.cache}/unbolt/wast
(cd "$root/tests/conformance/wast" && CARGO_TARGET_DIR="$target" cargo build --quiet --release --locked)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
while IFS= read -r -d '' file; do
  mkdir -p "$work/$count"
  # A file in a newer form of the language than the program knows has no seeds.
  "$target/release/unbolt-wast" "$file" --out "$work/$count" >/dev/null 2>&1 || true
  count=$((count + 1))
done < <(find "$suite" -name '*.wast' -print0)

fuzzers=(decoder_fuzzer component_fuzzer)
for name in "${fuzzers[@]}"; do mkdir -p "$root/build/fuzz/corpus/$name"; done
seeds=0
while IFS= read -r -d '' binary; do
  digest=$(sha1sum "$binary" | cut -d' ' -f1)
  for name in "${fuzzers[@]}"; do cp "$binary" "$root/build/fuzz/corpus/$name/$digest"; done
  seeds=$((seeds + 1))
done < <(find "$work" -name '*.wasm' -print0)
echo "$seeds seeds of $count files"
