#!/usr/bin/env bash
# The README shows files of the project that `rust-async new` makes: `--write` copies them into it; without it, what the README
# shows is compared with what is there. (new_project.sh has what the project prints.)
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
  ' README.md
}

wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
with_files >"$wanted"

if [ "${1-}" = --write ]; then
  cat "$wanted" >README.md
  exit
fi
diff -u README.md "$wanted" || die "README.md does not show the files it names: run test/readme.sh --write"

echo "README.md shows what is there"
