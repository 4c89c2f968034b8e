#!/usr/bin/env bash
# Says which C++ sources clang-format would change; with --fix, changes them.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -d '' -t files < <(git ls-files -z --cached --others --exclude-standard -- \
    'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.h' 'bench/*.cc' 'native/include/*.h' ':!*/guests/*')
existing=()
for file in ${files[@]+"${files[@]}"}; do
  if [ -f "$file" ]; then existing+=("$file"); fi
done
if [ ${#existing[@]} -eq 0 ]; then exit 0; fi
if [ "${1:-}" = --fix ]; then
  clang-format-19 -i "${existing[@]}"
elif ! clang-format-19 --dry-run -Werror --ferror-limit=3 "${existing[@]}"; then
  echo "error: some files are not formatted: run 'make fmt'" >&2
  exit 1
fi
echo "format: ${#existing[@]} files"
