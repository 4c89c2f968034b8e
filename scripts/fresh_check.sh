#!/usr/bin/env bash
# Shows that a fresh machine is enough: unpacks Debian 12 with git, make and sudo into a folder, clones this repository
# into a path with a space in it, and runs make there as a user who may sudo. Needs root, debootstrap and some GB.
#
#   scripts/fresh_check.sh [FOLDER [TARGET...]]      (default: /var/tmp/unbolt-fresh, and the targets build test)
#
# The folder's `base` (Debian alone) is kept for the next time; `root` is made anew each time and kept to look at.
# What this machine knows of mirrors and certificates goes in with it: apt's Debian sources and settings, Cargo's, pip's,
# npm's and Go's configuration, and the environment's CARGO_*, PIP_*, GO*, NPM_CONFIG_*, SSL_CERT_* and proxies.
#
#   UNBOLT_FRESH_USER    the user who runs make (default: builder, who may sudo; or root)
#   UNBOLT_FRESH_AFTER   a command to run there after make, in the clone
#   UNBOLT_FRESH_KEEP    not empty: go on in the `root` of last time, with this repository's commits of now
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${1:-/var/tmp/unbolt-fresh}
targets=("${@:2}")
if [ ${#targets[@]} -eq 0 ]; then targets=(build test); fi
user=${UNBOLT_FRESH_USER:-builder}
suite=bookworm
if [ "$(id -u)" -ne 0 ]; then
  echo "error: debootstrap and chroot need root" >&2
  exit 1
fi
if ! command -v debootstrap >/dev/null; then
  echo "error: debootstrap is missing: apt-get install debootstrap" >&2
  exit 1
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
base="$folder/base" root="$folder/root"

# In a mount namespace of our own: whatever is mounted below goes with this process.
if [ -z "${UNBOLT_FRESH_INSIDE:-}" ]; then
  export UNBOLT_FRESH_INSIDE=1
  exec unshare --mount --propagation private -- "$0" "$folder" "${targets[@]}"
fi

# apt's sources that name this suite of Debian, and no other vendor's.
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  if [ -f "$file" ] && grep -q "$suite-security" "$file" && grep -q '\bmain\b' "$file"; then sources+=("$file"); fi
done
if [ ${#sources[@]} -eq 0 ]; then
  echo "error: apt has no source of Debian's $suite and $suite-security here" >&2
  exit 1
fi
mirror=$(sed -nE 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p; s/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+)[[:space:]]+'"$suite"'[[:space:]].*/\2/p' \
    "${sources[@]}" | head -n 1)

if [ ! -f "$base/.complete" ]; then
  echo "fresh: unpacking Debian ($suite)"
  rm -rf "$base"
  debootstrap --variant=minbase --include=ca-certificates,git,make,sudo "$suite" "$base" "$mirror" >"$folder/debootstrap.log"
  touch "$base/.complete"
fi

home=/root
if [ "$user" != root ]; then home="/home/$user"; fi
clone="$home/a path with spaces/unbolt"

if [ -z "${UNBOLT_FRESH_KEEP:-}" ] || [ ! -d "$root$clone" ]; then
  echo "fresh: a new machine in $root"
  rm -rf "$root"
  cp -a --reflink=auto "$base" "$root"
  rm -f "$root/etc/apt/sources.list"
  for file in "${sources[@]}"; do install -D -m 644 "$file" "$root$file"; done
  for file in /etc/apt/apt.conf.d/*; do
    # Settings of the network alone: proxies and certificates.
    if [ -f "$file" ] && grep -qiE 'proxy|acquire::https?' "$file"; then install -m 644 "$file" "$root$file"; fi
  done
  for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do
    if [ -f "$file" ]; then install -D -m 644 "$(readlink -f "$file")" "$root$file"; fi
  done

  if [ "$user" != root ]; then
    chroot "$root" useradd --create-home --shell /bin/bash "$user"
    # A variable set here would be lost in sudo otherwise.
    echo "$user ALL=(ALL) NOPASSWD:SETENV: ALL" >"$root/etc/sudoers.d/$user"
    chmod 440 "$root/etc/sudoers.d/$user"
  fi
  mkdir -p "$root$clone"
  git clone --quiet --no-hardlinks "$repository" "$root$clone"
  for name in config.toml config; do
    if [ -f "${CARGO_HOME:-$HOME/.cargo}/$name" ]; then
      install -D -m 644 "${CARGO_HOME:-$HOME/.cargo}/$name" "$root$home/.cargo/$name"
    fi
  done
  for file in "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf"; do
    if [ -f "$file" ]; then install -D -m 644 "$file" "$root$home/.config/pip/pip.conf"; fi
  done
  for file in .npmrc .config/go/env; do
    if [ -f "$HOME/$file" ]; then install -D -m 600 "$HOME/$file" "$root$home/$file"; fi
  done
  # Wheels that pip is told to find in a folder.
  for place in ${PIP_FIND_LINKS:-}; do
    if [ -d "$place" ]; then mkdir -p "$root$place" && cp -a "$place/." "$root$place/"; fi
  done
else
  echo "fresh: on in $root"
  git -C "$root$clone" -c safe.directory='*' fetch --quiet "$repository" HEAD
  git -C "$root$clone" -c safe.directory='*' reset --quiet --hard FETCH_HEAD
fi
chroot "$root" chown -R "$user:" "$home"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sys "$root/sys"

mapfile -t passed < <(env | grep -E '^(CARGO_[A-Z_]+|PIP_[A-Z_]+|GO[A-Z_]+|NPM_CONFIG_[A-Z_]+|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(https?|no|HTTPS?|NO)_(proxy|PROXY))=' |
    grep -v '^CARGO_\(HOME\|TARGET_DIR\)=' || true)
inside() {
  chroot --userspec="$user:" --groups= "$root" /usr/bin/env -i HOME="$home" USER="$user" LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${passed[@]+"${passed[@]}"} \
    /bin/bash -c 'cd "$1" && shift && exec "$@"' _ "$clone" "$@"
}

for target in "${targets[@]}"; do
  for time in first second; do
    started=$SECONDS
    echo "=== fresh: make $target, the $time time"
    inside make "$target"
    echo "--- fresh: make $target, the $time time: $((SECONDS - started)) s"
  done
done
if [ -n "${UNBOLT_FRESH_AFTER:-}" ]; then
  inside bash -c "$UNBOLT_FRESH_AFTER"
fi
echo "fresh: done; $(du -sh "$root" 2>/dev/null | cut -f 1) in $root"
