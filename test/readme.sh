#!/usr/bin/env bash
# The README shows files of the project that `rust-async new` makes, and doc/arrays.md an example of the tests: `--write` copies
# them into it; without it, what the pages show is compared with what is there. (new_project.sh has what the project prints.)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

# A block begins with a line `<!-- file: PATH -->` and a fence; what stands up to the closing fence is PATH's text.
# with_files PAGE LEAST: at least so many files are shown.
with_files() {
  awk -v least="$2" '
    /^<!-- file: / { file = $3 }
    inside && /^```$/ { inside = 0; file = "" }
    !inside { print }
    file != "" && /^```./ { while ((getline line < file) > 0) print line; close(file); inside = 1; shown++ }
    END { if (shown < least) { print "only " shown + 0 " files shown" > "/dev/stderr"; exit 1 } }
  ' "$1"
}

wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
show() {
  with_files "$1" "$2" >"$wanted"
  if [ "$write" = --write ]; then
    cat "$wanted" >"$1"
  else
    diff -u "$1" "$wanted" || die "$1 does not show the files it names: run test/readme.sh --write"
  fi
}

write=${1-}
show README.md 3
show doc/arrays.md 2
echo "README.md and doc/arrays.md show what is there"
