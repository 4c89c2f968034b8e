#!/usr/bin/env bash
# Measures everything and prints one table (`make bench`). The figures as they were taken stay in build/bench/figures.json.
#
#   bench/run.sh [abi|instance|http|wasi|sockets]...     default: all of them
#
# UNBOLT_BENCH_BUILD, UNBOLT_BENCH_GUESTS: folders other than build/release and build/guests; WASMTIME: the peer;
# UNBOLT_BENCH_REALTIME=1: before all others on the machine, for one that is not quiet (needs root).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${UNBOLT_BENCH_BUILD:-$root/build/release}
guests=${UNBOLT_BENCH_GUESTS:-$root/build/guests}
out=$root/build/bench
parts=("${@:-abi}")
[ $# -gt 0 ] || parts=(abi instance http wasi sockets)

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

for part in "${parts[@]}"; do
  echo "bench: $part" >&2
  case $part in
    abi) "${pin[@]}" "$build/bin/abi_bench" "$guests/abi-bench.wasm" >"$out/abi.jsonl" ;;
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
    wasi) "$root/bench/wasi_bench.py" "$build" "$guests" >"$out/wasi.jsonl" ;;
    sockets) "$root/bench/sockets_bench.py" "$build" "$guests" >"$out/sockets.jsonl" ;;
    *) echo "error: no such part: $part (abi, instance, http, wasi, sockets)" >&2; exit 2 ;;
  esac
done
exec "$root/bench/report.py" "$out"
