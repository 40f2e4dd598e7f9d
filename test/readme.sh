#!/usr/bin/env bash
# The README shows files of the project that `rust-async new` makes, and doc/objects.md a program of the tests: `--write` copies
# them into it; without it, what is shown is compared with what is there. (new_project.sh has what the project prints.)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

# A block begins with a line `<!-- file: PATH -->` and a fence; what stands up to the closing fence is PATH's text.
with_files() {
  awk '
    /^<!-- file: / { file = $3 }
    inside && /^```$/ { inside = 0; file = "" }
    !inside { print }
    file != "" && /^```./ { while ((getline line < file) > 0) print line; close(file); inside = 1; shown++ }
    END { if (shown < 3) { print "only " shown + 0 " files shown" > "/dev/stderr"; exit 1 } }
  ' "$1"
}

wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
for page in README.md doc/objects.md; do
  with_files "$page" >"$wanted"
  if [ "${1-}" = --write ]; then
    cat "$wanted" >"$page"
  else
    diff -u "$page" "$wanted" || die "$page does not show the files it names: run test/readme.sh --write"
    echo "$page shows what is there"
  fi
done
