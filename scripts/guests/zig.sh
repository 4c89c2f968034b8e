# shellcheck shell=bash
# Guests in Zig; sourced by scripts/build_guests.sh. Zig changes too much from one version to the next to take any other
# than the one in zig.txt.

id_zig() {
  :
}

# Zig: the bindings are those for C, and Zig compiles both.
build_zig() {
  local out=$1 work=$2 folder=$root/$3 world files
  python_tool zig "$root/scripts/guests/zig.txt"
  world=$(world_of "$folder")
  "$UNBOLT_GUEST" bindgen-c "$folder/wit" --world "$world" --deps "$root/wit/deps" --out "$work"
  files=("$folder"/*.zig)
  # Without --stack every instance has 16 MiB of it.
  (
    cd -- "$work"
    ZIG_GLOBAL_CACHE_DIR=$cache/zig ZIG_LOCAL_CACHE_DIR=$cache/zig "$(wheel_folder)/ziglang/zig" build-exe \
      "${files[0]}" "${world//-/_}.c" "${world//-/_}_component_type.o" -I. -lc -target wasm32-wasi \
      -mexec-model=reactor -fno-entry -rdynamic --stack 65536 -O ReleaseSmall --name core
  )
  "$UNBOLT_GUEST" component new "$work/core.wasm" -o "$out"
}
