# Sourced: puts a cargo and a rustc that are new enough for the engine on the PATH, or says what is missing.
# Wasmtime 48 asks for Rust 1.95. Debian's packages cargo-web and rustc-web are taken where nothing else is there.
unbolt_rust_minimum=1.95

# True if a program's version is at least the minimum; the program may be a rustup proxy without a toolchain.
unbolt_rust_is_new_enough() {
  local version
  version=$("$1" --version 2>/dev/null | awk 'NR == 1 { print $2 }')
  [ -n "$version" ] && [ "$(printf '%s\n' "$unbolt_rust_minimum" "$version" | sort -V | head -n 1)" = "$unbolt_rust_minimum" ]
}

# Leaves PATH with the first folder whose cargo and rustc are both new enough in front; fails if there is none.
unbolt_find_rust() {
  local folder
  local candidates=()
  IFS=: read -r -a candidates <<<"$PATH"
  candidates+=("${CARGO_HOME:-$HOME/.cargo}/bin")
  for folder in "${candidates[@]}"; do
    if [ -x "$folder/cargo" ] && [ -x "$folder/rustc" ] &&
        unbolt_rust_is_new_enough "$folder/cargo" && unbolt_rust_is_new_enough "$folder/rustc"; then
      PATH="$folder:$PATH"
      export PATH
      return 0
    fi
  done
  return 1
}
