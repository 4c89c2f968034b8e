#!/usr/bin/env bash
# Installs the Debian 12 packages that a task needs and that are not there yet; does nothing, and needs no rights, when
# they all are.
#
#   scripts/setup.sh [build|run|test|lint|bench]...      (default: build)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/rust_env.sh
. "$root/scripts/rust_env.sh"

build=(
  clang-19 lld-19 llvm-19 libclang-rt-19-dev gcc libstdc++-12-dev libc6-dev cmake ninja-build make ccache git pkg-config python3 ca-certificates curl
  libboost1.81-dev libnghttp2-dev libssl-dev zlib1g-dev libfmt-dev libspdlog-dev libcli11-dev nlohmann-json3-dev
  libsqlite3-dev libhiredis-dev libpq-dev libnats-dev libyaml-cpp-dev libgpiod-dev libgtest-dev libgmock-dev
)
guests=(clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc python3 python3-venv)
if [ -f "$root/scripts/packages-guests.txt" ]; then
  while read -r name _; do
    case $name in '' | '#'*) ;; *) guests+=("$name") ;; esac
  done <"$root/scripts/packages-guests.txt"
fi
tests=(python3-pytest openssl redis-server postgresql mosquitto)
lint=(clang-format-19 clang-tidy-19)
bench=(wrk hyperfine linux-perf postgresql)

wanted=()
needs_rust=no
for profile in "${@:-build}"; do
  case $profile in
    build) wanted+=("${build[@]}") needs_rust=yes ;;
    run) wanted+=("${build[@]}" "${guests[@]}") needs_rust=yes ;;
    test) wanted+=("${build[@]}" "${guests[@]}" "${tests[@]}") needs_rust=yes ;;
    lint) wanted+=("${lint[@]}") ;;
    bench) wanted+=("${build[@]}" "${guests[@]}" "${bench[@]}") needs_rust=yes ;;
    *) echo "error: no such profile: $profile (build, run, test, lint, bench)" >&2; exit 2 ;;
  esac
done
if [ $needs_rust = yes ] && ! unbolt_find_rust; then
  wanted+=(cargo-web rustc-web)
fi

if ! command -v dpkg-query >/dev/null; then
  echo "warning: no dpkg here, so nothing is installed; needed are the equals of Debian 12's: ${wanted[*]}" >&2
  exit 0
fi
mapfile -t installed < <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
    sed -n 's/^installed //p')
mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | LC_ALL=C sort -u) \
    <(printf '%s\n' ${installed[@]+"${installed[@]}"} | LC_ALL=C sort -u))
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "error: packages are missing, and there is no sudo to install them with: as root, run" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0)
"${as_root[@]}" update
# --no-remove: a package that conflicts with one of the user's own must not push it off the machine.
if ! "${as_root[@]}" install --no-install-recommends --no-remove "${missing[@]}"; then
  echo "error: apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
hash -r
if [ $needs_rust = yes ] && ! unbolt_find_rust; then
  echo "error: Rust $unbolt_rust_minimum or later is needed: enable Debian's security archive (it carries cargo-web" \
    "1.96), or install Rust with rustup" >&2
  exit 1
fi
