#!/usr/bin/env bash
# Installs the library of a build into a folder of its own, builds examples/embed against it with find_package alone,
# and runs that. A test of ctest.
#
#   scripts/test_package.sh BUILD-DIR CXX-COMPILER PLUGIN.wasm
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
built=${1:?a folder that is built} compiler=${2:?a C++ compiler} plugin=${3:?the plug-in of examples/embed}
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

cmake --install "$built" --prefix "$scratch/first" --component library >"$scratch/install.log" || fail "$(cat "$scratch/install.log")"
# It may be moved, and knows nothing of the folder that it was built in.
mv -- "$scratch/first" "$scratch/installed"
for folder in "$root" "$built" "$scratch/first"; do
  ! grep -rF -- "$folder/" "$scratch/installed/lib/cmake" || fail "the package names $folder"
done
[[ ! -e $scratch/installed/include/unbolt/http && ! -e $scratch/installed/include/unbolt/base/testing ]] ||
  fail "headers that belong to no library are installed"

# Away from the sources: nothing of them is found by accident.
cp -r -- "$root/examples/embed" "$scratch/embed"
# build COMPILER: leaves the program at embed.
build() {
  rm -rf -- "$scratch/build"
  cmake -S "$scratch/embed" -B "$scratch/build" -G Ninja -DCMAKE_CXX_COMPILER="$1" -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_PREFIX_PATH="$scratch/installed" -DCMAKE_CXX_FLAGS=-Werror >"$scratch/build.log" 2>&1 ||
    fail "$(cat "$scratch/build.log")"
  cmake --build "$scratch/build" >"$scratch/build.log" || fail "$(cat "$scratch/build.log")"
}

# expect OUTPUT ARGUMENT...: what the program prints.
expect() {
  local expected=$1 output
  shift
  output=$("$scratch/build/embed" "$@" 2>&1) || true
  [[ $output == "$expected" ]] || fail "embed $*: expected"$'\n'"$expected"$'\n'"but it printed"$'\n'"$output"
}
compilers=("$compiler")
! command -v g++ >/dev/null || compilers+=(g++)
for each in "${compilers[@]}"; do
  build "$each"
  expect 'Dear Ada, it is 1843.' "$plugin" 'Dear {name}, it is {year}.'
  expect $'plug-in: nobody knows nobody\nDear {nobody}, {' "$plugin" 'Dear {nobody}, {'
  expect '' "$plugin" ''
  expect 'error: /nowhere.wasm: No such file or directory' /nowhere.wasm ''
done

# Another minor version is not this one.
mkdir "$scratch/other"
cat >"$scratch/other/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(other LANGUAGES CXX)
find_package(unbolt 0.0.1 CONFIG REQUIRED)
CMAKE
! cmake -S "$scratch/other" -B "$scratch/other/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$scratch/installed" >"$scratch/other.log" 2>&1 || fail "another version was taken for this one"
grep -q 'not compatible\|version: 0\.' "$scratch/other.log" || fail "$(cat "$scratch/other.log")"
echo "package: installed, found, built against with ${compilers[*]}, run"
