# shellcheck shell=bash
# Guests in Python; sourced by scripts/build_guests.sh.

id_python() {
  :
}

# Python: an interpreter, with app.py and all that it imports already loaded into it.
build_python() {
  local out=$1 work=$2 folder=$root/$3
  python_tool componentize-py "$folder/requirements.txt"
  cp -- "$folder"/*.py "$work"
  gather_wit "$folder/wit" "$work/wit"
  (
    cd -- "$work"
    "$tool/bin/python" -c 'import sys, componentize_py; sys.exit(componentize_py.script())' --quiet \
      -d wit -w "$(world_of "$folder")" componentize app -o component.wasm
  )
  mv -- "$work/component.wasm" "$out"
}
