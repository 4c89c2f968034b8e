#!/usr/bin/env bash
# Measures everything and prints one table (`make bench`). The figures as they were taken stay in build/bench/figures.json.
#
#   bench/run.sh [abi|contracts|start|load|instance|http|many|wasi|sockets|sql]...     default: all of them
#
# UNBOLT_BENCH_BUILD, UNBOLT_BENCH_GUESTS: folders other than build/release and build/guests; UNBOLT_PEER_DIR: Cargo's
# target folder of bench/peer (default: in the user's cache folder); WASMTIME: the peer of `http`;
# UNBOLT_BENCH_REALTIME=1: before all others on the machine, for one that is not quiet (needs root).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${UNBOLT_BENCH_BUILD:-$root/build/release}
guests=${UNBOLT_BENCH_GUESTS:-$root/build/guests}
out=$root/build/bench
parts=("${@:-abi}")
[ $# -gt 0 ] || parts=(abi contracts start load instance http many wasi sockets sql)

cmake --build "$build" --target bench_programs
mkdir -p "$out"

read -r load _ </proc/loadavg
if awk -v load="$load" 'BEGIN { exit !(load > 0.5) }'; then
  echo "note: the machine is busy (load $load): the figures will be worse than they are, and scatter" >&2
fi
# The second core's: the first takes most of the interrupts.
pin=() http=()
[ "$(nproc)" -lt 2 ] || pin=(taskset -c 1)
if [ "${UNBOLT_BENCH_REALTIME:-0}" = 1 ]; then
  pin+=(chrt -f 10)
  http=(--realtime)
fi

# The programs that measure on the engine's own APIs; without Cargo or its crates there are figures without peers.
peer=${UNBOLT_PEER_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/unbolt/peer}
build_peer() {
  # shellcheck source=scripts/rust_env.sh
  . "$root/scripts/rust_env.sh"
  unbolt_find_rust &&
    CARGO_TARGET_DIR=$peer cargo build --quiet --release --locked --manifest-path "$root/bench/peer/Cargo.toml"
}
case " ${parts[*]} " in
  *' abi '* | *' start '*)
    echo 'bench: the peer, bench/peer (minutes the first time)' >&2
    build_peer || { peer= && echo 'note: bench/peer cannot be built: no figures of the engine itself' >&2; }
    ;;
esac

# interleave ROUNDS PROGRAM MODE... : FILE...: a program's rounds over files, and between them the peer's over the same, whose
# mode is in `peer_mode`.
interleave() {
  local rounds=$1 program=() files=()
  shift
  while [ "$1" != : ]; do
    program+=("$1")
    shift
  done
  files=("${@:2}")
  local beside=()
  [ -z "$peer" ] || beside=(-- "$peer/release/unbolt-bench-peer" "${peer_mode[@]}" "${files[@]}")
  "${pin[@]}" "$root/bench/interleave.py" "$rounds" -- "${program[@]}" "${files[@]}" "${beside[@]}"
}

for part in "${parts[@]}"; do
  echo "bench: $part" >&2
  case $part in
    abi)
      peer_mode=(abi)
      interleave 21 "$build/bin/abi_bench" : "$guests"/{abi,pass}-bench.wasm >"$out/abi.jsonl"
      "${pin[@]}" "$root/bench/interleave.py" 21 -- "$build/bin/link_bench" \
        "$guests"/pass-{caller,callee}.wasm >"$out/link.jsonl"
      ;;
    contracts)
      "${pin[@]}" "$build/bin/plugin_bench" "$build/bin/libbench_plugin.so" >"$out/plugin.jsonl"
      "${pin[@]}" "$root/bench/interleave.py" 21 -- "$build/bin/claims_bench" "$guests/grant-bench.wasm" >"$out/claims.jsonl"
      ;;
    start)
      peer_mode=(instance "$out/compiled")
      interleave 15 "$build/bin/component_bench" start \
        : "$guests"/{c-hello,rust-hello,rust-cli,js-feed,py-report}.wasm >"$out/start.jsonl"
      ;;
    load)
      "${pin[@]}" "$root/bench/interleave.py" 15 -- "$build/bin/component_bench" load \
        "$guests"/{py-report,js-feed,go-orders}.wasm >"$out/load.jsonl"
      ;;
    instance)
      {
        for guest in c-hello rust-hello; do
          "${pin[@]}" "$build/bin/instance_bench" settings "$guests/$guest.wasm"
        done
        for count in 1000 10000; do
          "${pin[@]}" "$build/bin/instance_bench" density "$guests/c-hello.wasm" "$count"
        done
      } >"$out/instance.jsonl"
      ;;
    http) "$root/bench/http_bench.py" "$build" "$guests" "${http[@]}" >"$out/http.jsonl" ;;
    many) "$root/bench/many_bench.py" "$build" "$guests" >"$out/many.jsonl" ;;
    wasi) "$root/bench/wasi_bench.py" "$build" "$guests" >"$out/wasi.jsonl" ;;
    sockets) "$root/bench/sockets_bench.py" "$build" "$guests" >"$out/sockets.jsonl" ;;
    sql) "$root/bench/sql_bench.py" "$build" "$guests" >"$out/sql.jsonl" ;;
    *) echo "error: no such part: $part (abi, contracts, start, load, instance, http, many, wasi, sockets, sql)" >&2; exit 2 ;;
  esac
done
exec "$root/bench/report.py" "$out"
