#!/usr/bin/env bash
# Runs each fuzzer of build/fuzz on its committed corpus (tests/fuzz/corpus/NAME) for some seconds. New inputs go to
# build/fuzz/corpus/NAME, what broke to build/fuzz/found/NAME-…
#
#   scripts/run_fuzzers.sh SECONDS [NAME]...
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
seconds=${1:-30}
shift
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for program in build/fuzz/bin/*_fuzzer; do
    if [ -x "$program" ]; then names+=("$(basename "$program")"); fi
  done
fi
if [ ${#names[@]} -eq 0 ]; then
  echo "error: no fuzzer in build/fuzz/bin" >&2
  exit 1
fi
export LSAN_OPTIONS="suppressions='$PWD/cmake/lsan.supp':print_suppressions=0" UBSAN_OPTIONS=print_stacktrace=1
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
failed=0
mkdir -p build/fuzz/found
for name in "${names[@]}"; do
  echo "fuzz: $name, $seconds s"
  mkdir -p "build/fuzz/corpus/$name"
  seeds=()
  if [ -d "tests/fuzz/corpus/$name" ]; then seeds=("tests/fuzz/corpus/$name"); fi
  log="build/fuzz/found/$name.log"
  if "build/fuzz/bin/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" ${seeds[@]+"${seeds[@]}"} >"$log" 2>&1; then
    sed -n 's/^stat::number_of_executed_units: */      runs: /p' "$log"
  else
    grep -v '^#' "$log" | tail -n 60
    echo "fuzz: $name FAILED (all of it: $log)" >&2
    failed=$((failed + 1))
  fi
done
echo "$((${#names[@]} - failed)) passed, $failed failed"
exit $((failed != 0))
