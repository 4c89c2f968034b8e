#!/usr/bin/env bash
# Builds the guest components from source: the examples and those the tests need.
#
#   scripts/build_guests.sh OUT_DIR [NAME...]     all of them, or those named, into OUT_DIR/NAME.wasm
#   scripts/build_guests.sh --list                their names
#   scripts/build_guests.sh --tool                builds the guest tool alone and prints where it is
#
# A guest is built again only when its sources, the contracts or a tool changed. One that fails does not keep the
# others from being built; the script then ends with status 1.
# How each language is built is in scripts/guests/; toolchains that Debian lacks are fetched into the user's cache folder.
# UNBOLT_NATIVE_DIR is Cargo's target folder of native/, UNBOLT_GUEST a ready guest tool (default: it is built),
# UNBOLT_RUST_GUESTS_DIR Cargo's target folder for guests in Rust.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/unbolt
# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"
for language in tools c rust go zig js python; do
  # shellcheck source=/dev/null
  . "$root/scripts/guests/$language.sh"
done

# name, kind, folder, and other folders of sources for it. The world of a guest is the one in its folder wit/.
guests=(
  'c-hello      c         examples/c-hello'
  'cpp-counter  c         examples/cpp-counter'
  'rust-hello   rust      examples/rust-hello'
  'rust-echo    rust      examples/rust-echo'
  'rust-proxy   rust      examples/rust-proxy'
  'rust-files   rust      examples/rust-files'
  'rust-cli     rust-cli  examples/rust-cli'
  'go-orders    go        examples/go-orders'
  'zig-checksum zig       examples/zig-checksum'
  'js-feed      js        examples/js-feed'
  'py-report    python    examples/py-report'
  'cpp-snake    c         examples/cpp-snake'
  'cpp-lights   c         examples/cpp-lights    templates/cpp/web templates/cpp/common'
  'c-cgi        c-cli     examples/c-cgi'
  'embed-plugin c         examples/embed/plugin'
  'shop-front   rust      examples/shop/front    examples/shop/pricing/wit examples/shop/totals/wit'
  'shop-pricing c         examples/shop/pricing'
  'shop-totals  rust      examples/shop/totals'
  'hostile      c         tests/guests/hostile   tests/guests/common'
  'reach        c         tests/guests/reach     tests/guests/common'
  'blobs        c         tests/guests/blobs     tests/guests/common'
  'start-loop   c         tests/guests/start-loop tests/guests/common'
  'start-trap   c         tests/guests/start-trap tests/guests/common'
  'types        c         tests/guests/types'
  'values       c         tests/guests/values'
  'messages     c         tests/guests/messages'
  'watcher      c         tests/guests/watcher'
  'telnet       c         tests/guests/telnet'
  'spellings    c         tests/guests/spellings tests/guests/common'
  'messages-03  c         tests/guests/messages-03'
  'files        rust      tests/guests/files'
  'sockets      rust      tests/guests/sockets'
  'sockets-http rust      tests/guests/sockets-http tests/guests/sockets'
  'sql          rust      tests/guests/sql'
  'postgres     rust      tests/guests/postgres   tests/guests/sql/src'
  'abi-bench    c         bench/guests/abi'
  'copy-bench   c-cli     bench/guests/copy'
  'pass-bench   wat       bench/guests/wat/pass-bench.wat'
  'pass-caller  wat       bench/guests/wat/pass-caller.wat'
  'pass-callee  wat       bench/guests/wat/pass-callee.wat'
  'grant-bench  wat       bench/guests/wat/grant-bench.wat'
  'fetch-bench  rust      bench/guests/fetch'
  'console      c-cli     tests/guests/console'
  'cgi          c-cli     tests/guests/cgi'
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
  "$root/scripts/build_native.sh" >&2
  UNBOLT_GUEST=$root/build/native/unbolt-guest
}

# The name of a guest's world.
world_of() {
  sed -n 's/^world \([a-z0-9-]*\) .*/\1/p' "$1"/wit/*.wit
}

# The WIT that other tools than ours read, in one folder: the guest's own, and below it all contracts.
gather_wit() {
  mkdir -p -- "$2"
  cp -R -- "$1"/. "$2"
  cp -R -- "$root/wit/deps" "$2/deps"
}

# Prints one line for the sources of a guest and everything else that its file depends on.
digest() {
  local kind=$1 language=${1%%-*} more=()
  shift
  (
    cd -- "$root"
    printf '%s\n' "$kind"
    case $language in
      wat) ;;
      c | rust) more=("scripts/guests/$language.sh") ;;
      *) more=(scripts/guests/tools.sh "scripts/guests/$language".*) ;;
    esac
    [[ $language != rust ]] || more+=(scripts/guests/cabi_realloc.c)
    [[ $language == js || $language == python ]] || printf '%s\n' "$guest_tool_id"
    [[ $language == wat ]] || "id_$language" "$kind"
    find wit/deps scripts/build_guests.sh ${more[@]+"${more[@]}"} "$@" -name node_modules -prune -o -type f -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum
  ) | sha256sum
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
    c-cli) build_c_cli "$out" "$work" "$@" ;;
    rust*)
      printf '%-16s building (with its standard library: minutes the first time)\n' "$name"
      build_rust "$kind" "$name" "$out" "$@"
      ;;
    go | zig | js | python)
      printf '%-16s building\n' "$name"
      "build_$kind" "$out" "$work" "$@"
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
guest_tool_id=$(sha256sum <"$UNBOLT_GUEST")

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
