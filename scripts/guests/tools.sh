# shellcheck shell=bash
# Toolchains that are no Debian packages, or too old there: fetched once into the user's cache folder, at the versions that
# are written down beside what they build. Sourced by scripts/build_guests.sh.

tools=$cache/tools

# fetch WHAT COMMAND...: runs a command that downloads something, and once more if that fails.
fetch() {
  local what=$1
  shift
  "$@" && return
  printf 'warning: %s was not fetched; trying once more\n' "$what" >&2
  sleep 2
  "$@" || fail "$what cannot be fetched: see above; a network is needed the first time"
}

# begin_tool NAME FILE...: sets tool to the folder for a tool that these files describe. False where it is there already;
# else the folder is new and empty, no other build touches it, and end_tool marks it as whole.
begin_tool() {
  local name=$1
  shift
  tool=$tools/$name-$(cat -- "$@" | sha256sum | cut -c 1-12)
  [[ ! -e $tool/.whole ]] || return
  mkdir -p -- "$tools" || fail "$tools: no such folder can be made"
  exec 8>"$tool.lock"
  flock 8
  [[ ! -e $tool/.whole ]] || return
  printf '%-16s fetching, for this time and all others, into %s\n' "$name" "$tool"
  rm -rf -- "$tool" && mkdir -- "$tool" || fail "$tool: no such folder can be made"
}

end_tool() {
  touch -- "$tool/.whole"
  exec 8>&-
}

# python_tool NAME FILE: sets tool to a virtual environment with the wheels that a requirements file lists.
python_tool() {
  begin_tool "$1" "$2" || return 0
  need python3
  python3 -m venv -- "$tool" >&2 || fail "python3 cannot make virtual environments: run scripts/setup.sh (python3-venv)"
  # As modules: the programs of a virtual environment do not run in a path with a space.
  fetch "$1" "$tool/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes -r "$2"
  end_tool
}

# Where the packages of the virtual environment `tool` lie.
wheel_folder() {
  "$tool/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
}

# version_at_least MINIMUM VERSION
version_at_least() {
  [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}
