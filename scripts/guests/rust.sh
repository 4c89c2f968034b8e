# shellcheck shell=bash
# Guests in Rust; sourced by scripts/build_guests.sh.

rust_dir=${UNBOLT_RUST_GUESTS_DIR:-$cache/guests}
wasi_libc=/usr/lib/wasm32-wasi
rust_folders=()
declare -A rust_bin rust_std rust_id

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

id_rust() {
  printf '%s' "${rust_id[$(rust_target "$1")]:-}"
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
