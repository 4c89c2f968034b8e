#!/usr/bin/env bash
# Builds native/ (the engine and the reference WebAssembly tools, and the guest tool) into the user's cache folder, and
# lays the engine's C headers beside it. Minutes the first time, nothing when neither the sources nor the compiler changed.
# What was built is kept by its fingerprint and copied into build/native of this clone, so that clones with different
# sources share the folder and nobody takes a file away that another one links.
#
#   UNBOLT_NATIVE_DIR   cargo's target folder (default: ${XDG_CACHE_HOME:-~/.cache}/unbolt/native)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${UNBOLT_NATIVE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/unbolt/native}
# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"

if ! unbolt_find_rust; then
  echo "error: no cargo and rustc of version $unbolt_rust_minimum or later: run scripts/setup.sh" >&2
  exit 1
fi

# What the library is made of: sources, pins, compiler and flags.
fingerprint() {
  {
    cd "$root/native"
    find Cargo.toml Cargo.lock src guest/Cargo.toml guest/src -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    if [ -d .cargo ]; then find .cargo -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; fi
    rustc -vV
    echo "RUSTFLAGS=${RUSTFLAGS:-}"
  } | sha256sum | cut -d ' ' -f 1
}

now=$(fingerprint)
out=$root/build/native
if [ "$(cat "$out/fingerprint" 2>/dev/null)" = "$now" ] && [ -f "$target/include/wasmtime/conf.h" ] &&
    [ -f "$out/libunbolt_native.a" ] && [ -x "$out/unbolt-guest" ]; then
  exit 0
fi

mkdir -p "$target"
exec 9>"$target/.unbolt-lock"
flock 9
kept=$target/kept/$now

# Into this clone, each file in one step.
publish() {
  mkdir -p "$out"
  for file in libunbolt_native.a unbolt-guest; do
    cp "$kept/$file" "$out/$file.new"  # with the time of now, for those who link it
    mv -f "$out/$file.new" "$out/$file"
  done
  echo "$now" >"$out/fingerprint"
  touch "$kept"
}
if [ -d "$kept" ] && [ -f "$target/include/wasmtime/conf.h" ]; then
  publish
  exit 0
fi

echo "native/: building the engine and the WebAssembly tools with $(rustc --version) (minutes the first time)"
messages="$target/.unbolt-messages.json"
# Clones share the folder, and cargo goes by the files' times: it would take what an other clone built later for ours.
(cd "$root/native" && CARGO_TARGET_DIR="$target" cargo clean --quiet --release --locked -p unbolt-native -p unbolt-guest)
(cd "$root/native" &&
    CARGO_TARGET_DIR="$target" cargo build --release --locked --message-format=json-render-diagnostics) >"$messages"
# The guest tool by itself: together with the library it would have the engine compiled a second time.
(cd "$root/native" && CARGO_TARGET_DIR="$target" cargo build --release --locked -p unbolt-guest)

# The engine's build script has laid out its headers, with a conf.h for the features that Cargo.toml asks for. Unchanged
# files are left alone: a new time on a header would compile the whole project again.
python3 - "$messages" "$target/include" <<'PYTHON'
import filecmp, json, pathlib, shutil, sys

source = None
for line in open(sys.argv[1], encoding="utf-8"):
    message = json.loads(line)
    if message["reason"] == "build-script-executed" and "wasmtime-c-api-impl" in message["package_id"]:
        source = pathlib.Path(message["out_dir"]) / "include"
if source is None or not (source / "wasmtime.h").is_file():
    sys.exit("error: the build of wasmtime-c-api-impl left no headers")
target = pathlib.Path(sys.argv[2])
wanted = {p.relative_to(source) for p in source.rglob("*") if p.is_file()}
for name in sorted(wanted):
    new, old = source / name, target / name
    if not old.is_file() or not filecmp.cmp(new, old, shallow=False):
        old.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(new, old)
for old in [p for p in target.rglob("*") if p.is_file()]:
    if old.relative_to(target) not in wanted:
        old.unlink()
PYTHON

rm -rf "$kept.new"
mkdir -p "$kept.new"
cp "$target/release/libunbolt_native.a" "$target/release/unbolt-guest" "$kept.new"
rm -rf "$kept"
mv "$kept.new" "$kept"
publish
# The newest few are enough.
find "$target/kept" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | tail -n +6 | cut -d ' ' -f 2- |
  xargs -r -d '\n' rm -rf
echo "native/: $(du -h "$out/libunbolt_native.a" | cut -f 1) in build/native/libunbolt_native.a"
