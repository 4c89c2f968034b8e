#!/usr/bin/env bash
# Runs a compiled oracle_test, with the oracle built where it is not yet.
#
#   tests/oracle/run.sh PROGRAM cases             the kept cases
#   tests/oracle/run.sh PROGRAM OPTION...         random ones (main.cc says which options there are)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${1:?the compiled oracle_test}
shift
oracle=$("$root/scripts/build_oracle.sh")
if [ "${1:-}" = cases ]; then
  exec "$program" --oracle "$oracle" --replay "$root"/tests/oracle/cases/*.wat
fi
exec "$program" --oracle "$oracle" "$@"
