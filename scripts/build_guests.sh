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
wasi_libc=/usr/lib/wasm32-wasi
clangxx=${UNBOLT_GUEST_CLANGXX:-clang++-19}
# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"

# name, kind, folder, and another folder of sources for it. The world of a guest is the one in its folder wit/.
guests=(
  'c-hello      c         examples/c-hello'
  'cpp-counter  c         examples/cpp-counter'
  'rust-hello   rust      examples/rust-hello'
  'rust-echo    rust      examples/rust-echo'
  'rust-proxy   rust      examples/rust-proxy'
  'rust-cli     rust-cli  examples/rust-cli'
  'hostile      c         tests/guests/hostile   tests/guests/common'
  'reach        c         tests/guests/reach     tests/guests/common'
  'start-loop   c         tests/guests/start-loop tests/guests/common'
  'start-trap   c         tests/guests/start-trap tests/guests/common'
  'types        c         tests/guests/types'
  'files        rust      tests/guests/files'
  'sockets      rust      tests/guests/sockets'
  'abi-bench    c         bench/guests/abi'
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
  [[ $kind != rust* ]] || tools+=${rust_id[$(rust_target "$kind")]:-}
  [[ $kind != c ]] || tools+=$clang_id
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

# Fills rust_bin, rust_std and rust_id for the target $1: the folder of a cargo and rustc that can build for it, whether
# they have its standard library `ready` or as `source`, and their version. Toolchains come ready with `rustup target
# add`; Debian has the source.
find_rust_for() {
  local folder have sysroot
  for have in ready source; do
    for folder in "${rust_folders[@]}"; do
      sysroot=$("$folder/rustc" --print sysroot)/lib/rustlib
      if [[ $have == ready ]]; then
        compgen -G "$sysroot/$1/lib/libstd-*.rlib" >/dev/null || continue
      else
        [[ -f $sysroot/src/rust/library/std/Cargo.toml ]] || continue
      fi
      rust_bin[$1]=$folder
      rust_std[$1]=$have
      rust_id[$1]="$have $("$folder/rustc" -vV)"
      return
    done
  done
}

# Looks for Rust once, for all the guests that are to be built.
find_rust() {
  local folder folders=() seen=:
  IFS=: read -r -a folders <<<"$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
  for folder in "${folders[@]}"; do
    [[ -x $folder/cargo && -x $folder/rustc ]] || continue
    folder=$(readlink -f -- "$folder")
    [[ $seen != *:$folder:* ]] || continue
    seen+=$folder:
    unbolt_rust_is_new_enough "$folder/cargo" && unbolt_rust_is_new_enough "$folder/rustc" || continue
    rust_folders+=("$folder")
  done
  [[ ${#rust_folders[@]} -gt 0 ]] || return 0
  find_rust_for wasm32-unknown-unknown
  find_rust_for wasm32-wasip1
}

rust_target() {
  [[ $1 == rust ]] && echo wasm32-unknown-unknown || echo wasm32-wasip1
}

# Rust: a library for wasm32-unknown-unknown needs no adapter; a program for wasm32-wasip1 gets the one for commands.
build_rust() {
  local kind=$1 name=$2 out=$3 folder=$root/$4 target bin flags=()
  target=$(rust_target "$kind")
  bin=${rust_bin[$target]:-}
  [[ -n $bin ]] || fail "no Rust for $target: run scripts/setup.sh, or rustup target add $target"
  # Left to its defaults where the toolchain is whole; else the standard library is built here, and the linker and the C
  # library are Debian's.
  if [[ ${rust_std[$target]} == source ]]; then
    need wasm-ld-19
    flags=(-Zbuild-std=std,panic_abort)
    export RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19 CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-19
    if [[ $target == wasm32-wasip1 ]]; then
      # Debian's wasi-libc takes all memory that is there at its first malloc for its own, the page of the adapter too. A
      # guest that exports cabi_realloc has the adapter ask malloc for that page instead.
      need "$clang"
      mkdir -p -- "$rust_dir"
      "$clang" --target=wasm32-wasi -Os -c "$root/scripts/guests/cabi_realloc.c" -o "$rust_dir/cabi_realloc.o"
      local parts=(-C link-self-contained=no -L "native=$wasi_libc" -C "link-arg=$wasi_libc/crt1-command.o"
        -C "link-arg=$rust_dir/cabi_realloc.o" -C link-arg=--export=cabi_realloc)
      CARGO_ENCODED_RUSTFLAGS=$(printf '%s\x1f' "${parts[@]}")
      export CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%$'\x1f'}
    fi
  fi
  (
    cd -- "$folder"
    RUSTC=$bin/rustc CARGO_TARGET_DIR=$rust_dir "$bin/cargo" build --quiet --release --locked \
      --target "$target" ${flags[@]+"${flags[@]}"}
  )
  if [[ $kind == rust ]]; then
    "$UNBOLT_GUEST" component new "$rust_dir/$target/release/${name//-/_}.wasm" -o "$out"
  else
    "$UNBOLT_GUEST" component new "$rust_dir/$target/release/$name.wasm" -o "$out" --preview1 command
  fi
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
    rust*)
      printf '%-16s building (with its standard library: minutes the first time)\n' "$name"
      build_rust "$kind" "$name" "$out" "$@"
      ;;
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

# One build of a folder at a time.
mkdir -p -- "$out_dir/.work"
exec 9>"$out_dir/.work/lock"
flock 9

guest_tool
shared_digest=$(
  cd -- "$root"
  find wit/deps scripts/guests -type f -print0 | LC_ALL=C sort -z | xargs -0 cat "$UNBOLT_GUEST" scripts/build_guests.sh | sha256sum
)

clang_id=$("$clang" --version 2>/dev/null || true)
rust_folders=()
declare -A rust_bin rust_std rust_id
wanted=" ${*:-$(printf '%s\n' "${guests[@]}" | awk '{printf "%s ", $1}')} "
for guest in "${guests[@]}"; do
  read -r name kind _ <<<"$guest"
  [[ $kind != rust* || $wanted != *" $name "* ]] || { find_rust; break; }
done

failed=()
for guest in "${guests[@]}"; do
  read -r name kind folders <<<"$guest"
  [[ $wanted == *" $name "* ]] || continue
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
