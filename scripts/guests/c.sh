# shellcheck shell=bash
# Guests in C and C++; sourced by scripts/build_guests.sh.

clang=${UNBOLT_GUEST_CLANG:-clang-19}
clangxx=${UNBOLT_GUEST_CLANGXX:-clang++-19}

id_c() {
  "$clang" --version 2>/dev/null || true
}

# C and C++: bindings, compiler, then a component of the core module.
build_c() {
  local out=$1 work=$2 folder=$root/$3 more=${4:+$root/$4} world file objects=()
  need "$clang"
  local flags=(--target=wasm32-wasi -Os -Wall -Wextra -Werror -I"$work" ${more:+-I"$more"})
  world=$(world_of "$folder")
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

# A program in C, left a core module of WASI preview1 as compilers make it: the host makes a component of it.
build_c_cli() {
  local out=$1 folder=$root/$3
  need "$clang"
  "$clang" --target=wasm32-wasi -Os -Wall -Wextra -Werror -std=c23 -Wl,--strip-debug "$folder"/*.c -o "$out"
}
