#!/usr/bin/env bash
# Builds the guest components from source: the examples and those the tests need.
#
#   scripts/build_guests.sh OUT_DIR [NAME...]     all of them, or those named, into OUT_DIR/NAME.wasm
#   scripts/build_guests.sh --list                their names
#   scripts/build_guests.sh --tool                builds the guest tool alone and prints where it is
#
# A guest is built again only when its sources, the contracts or a tool changed. One that fails does not keep the
# others from being built; the script then ends with status 1.
# UNBOLT_NATIVE_DIR is Cargo's target folder of native/, UNBOLT_GUEST a ready guest tool (default: it is built),
# UNBOLT_RUST_GUESTS_DIR Cargo's target folder for guests in Rust.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/unbolt
native_dir=${UNBOLT_NATIVE_DIR:-$cache/native}
rust_dir=${UNBOLT_RUST_GUESTS_DIR:-$cache/guests}
clang=${UNBOLT_GUEST_CLANG:-clang-19}
clangxx=${UNBOLT_GUEST_CLANGXX:-clang++-19}
# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"

# name, kind, folder, and another folder of sources for it. The world of a guest is the one in its folder wit/.
guests=(
  'c-hello      c         examples/c-hello'
  'cpp-counter  c         examples/cpp-counter'
  'hostile      c         tests/guests/hostile   tests/guests/common'
  'reach        c         tests/guests/reach     tests/guests/common'
  'start-loop   c         tests/guests/start-loop tests/guests/common'
  'start-trap   c         tests/guests/start-trap tests/guests/common'
  'types        c         tests/guests/types'
)
for file in "$root"/tests/guests/wat/*.wat; do
  [[ -e $file ]] || continue
  name=$(basename -- "$file" .wat)
  guests+=("$name wat tests/guests/wat/$name.wat")
done

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

need() {
  command -v -- "$1" >/dev/null || fail "$1 is missing: scripts/setup.sh installs what the guests need"
}

guest_tool() {
  [[ -z ${UNBOLT_GUEST:-} ]] || return 0
  unbolt_find_rust || fail "no cargo and rustc of version $unbolt_rust_minimum or later: run scripts/setup.sh"
  CARGO_TARGET_DIR=$native_dir cargo build --quiet --release --locked \
    --manifest-path "$root/native/Cargo.toml" -p unbolt-guest
  UNBOLT_GUEST=$native_dir/release/unbolt-guest
}

# Prints one line for the sources of a guest and everything else that its file depends on.
digest() {
  local kind=$1 tools
  shift
  tools=$shared_digest
  [[ $kind != rust* ]] || tools+=$(rust_version)
  [[ $kind != c ]] || tools+=$("$clang" --version)
  (
    cd -- "$root"
    printf '%s\n' "$kind" "$tools"
    find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  ) | sha256sum
}

# C and C++: bindings, compiler, then a component of the core module.
build_c() {
  local out=$1 work=$2 folder=$root/$3 more=${4:+$root/$4} world file objects=()
  need "$clang"
  local flags=(--target=wasm32-wasi -Os -Wall -Wextra -Werror -I"$work" ${more:+-I"$more"})
  world=$(sed -n 's/^world \([a-z0-9-]*\) .*/\1/p' "$folder"/wit/*.wit)
  "$UNBOLT_GUEST" bindgen-c "$folder/wit" --world "$world" --deps "$root/wit/deps" --out "$work"
  for file in "$folder"/*.c "$folder"/*.cc ${more:+"$more"/*.c}; do
    [[ -e $file ]] || continue
    local object
    object=$work/$(basename -- "$file").o
    case $file in
      *.c) "$clang" "${flags[@]}" -std=c23 -c "$file" -o "$object" ;;
      *.cc)
        "$clangxx" "${flags[@]}" -std=c++23 -fno-exceptions -fno-rtti -c "$file" -o "$object"
        ;;
    esac
    objects+=("$object")
  done
  "$clang" "${flags[@]}" -w -c "$work/${world//-/_}.c" -o "$work/bindings.o"
  # Names stay, for backtraces; the rest of the debug information is the C library's.
  "$clangxx" --target=wasm32-wasi -mexec-model=reactor -Wl,--strip-debug "${objects[@]}" \
    "$work/bindings.o" "$work/${world//-/_}_component_type.o" -o "$work/core.wasm"
  "$UNBOLT_GUEST" component new "$work/core.wasm" -o "$out"
}

build_wat() {
  "$UNBOLT_GUEST" wat "$root/$3" -o "$1"
}

# build NAME KIND FOLDER...: builds one guest unless it is there as it should be.
build() {
  local name=$1 kind=$2 work=$out_dir/.work/$1 out=$out_dir/$1.wasm now
  shift 2
  now=$(digest "$kind" "$@")
  if [[ -f $out && -f $work/digest && $(<"$work/digest") == "$now" ]]; then
    printf '%-16s unchanged\n' "$name"
    return
  fi
  rm -rf -- "$work" "$out"
  mkdir -p -- "$work"
  case $kind in
    c) build_c "$out" "$work" "$@" ;;
    wat) build_wat "$out" "$work" "$@" ;;
    *) fail "$name: no way to build $kind" ;;
  esac
  printf '%s' "$now" >"$work/digest"
  printf '%-16s %d bytes\n' "$name" "$(stat -c %s -- "$out")"
}

if [[ ${1:-} == --list ]]; then
  printf '%s\n' "${guests[@]}" | awk '{print $1}'
  exit
fi
if [[ ${1:-} == --tool ]]; then
  guest_tool
  printf '%s\n' "$UNBOLT_GUEST"
  exit
fi
if [[ $# -lt 1 || $1 == -* ]]; then
  echo 'usage: scripts/build_guests.sh OUT_DIR [NAME...]' >&2
  exit 2
fi

mkdir -p -- "$1"
out_dir=$(cd -- "$1" && pwd)
shift
for name; do
  printf '%s\n' "${guests[@]}" | grep -q "^$name " || fail "no guest is named $name; --list shows them"
done

guest_tool
shared_digest=$(
  cd -- "$root"
  find wit/deps -type f -print0 | LC_ALL=C sort -z | xargs -0 cat "$UNBOLT_GUEST" scripts/build_guests.sh | sha256sum
)

failed=()
for guest in "${guests[@]}"; do
  read -r name kind folders <<<"$guest"
  [[ $# -eq 0 || " $* " == *" $name "* ]] || continue
  # A subshell of its own, outside of any condition, so that its first failing command ends it.
  set +e
  (
    set -e
    # shellcheck disable=SC2086 # the folders of the table have no spaces
    build "$name" "$kind" $folders
  )
  status=$?
  set -e
  [[ $status -eq 0 ]] || failed+=("$name")
done
[[ ${#failed[@]} -eq 0 ]] || fail "not built: ${failed[*]}"
