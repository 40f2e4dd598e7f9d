#!/usr/bin/env bash
# The README shows files and the output of examples/hello: `--write` copies the files into it; without it, what the
# README shows is compared with what is there, and the output with what the program prints.
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
    END { if (shown < 5) { print "only " shown + 0 " files shown" > "/dev/stderr"; exit 1 } }
  ' README.md
}

wanted=$(mktemp)
printed=$(mktemp)
trap 'rm -f "$wanted" "$printed"' EXIT
with_files >"$wanted"

if [ "${1-}" = --write ]; then
  cat "$wanted" >README.md
  exit
fi
diff -u README.md "$wanted" || die "README.md does not show the files it names: run test/readme.sh --write"

dune build ./examples/hello/main.exe
_build/default/examples/hello/main.exe >"$printed"
awk '/^<!-- output: /{ on = 1; next } on && /^```$/ { exit } on && !/^```/' README.md |
  diff -u - "$printed" || die "examples/hello prints something else than README.md says"
echo "README.md shows what is there"
