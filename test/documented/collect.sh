#!/bin/sh
# OCaml's half of the examples. `collect.sh guide FILE.mli FILE.md…` prints what the examples of these Markdown files say, with
# all modules of the declarations in a module My_project. `collect.sh externals FILE…` prints the examples with an `external`: of
# Markdown files, of Rust's doc comments and of OCaml's.
set -eu
kind=$1
shift
if [ "$kind" = guide ]; then
  echo 'module My_project = struct'
  echo '  include Documented'
  sed -n 's/^module \([A-Za-z_]*\).*/  include Documented.\1/p' "$1"
  echo 'end'
  shift
fi
awk -v kind="$kind" '
  function fence_of(line) { sub(/^ *(\/\/[\/!])? */, "", line); return line }
  FNR == 1 { on = 0 }
  !on && fence_of($0) == "```ocaml" && !copy { on = 1; text = ""; printf "" ; from = FNR + 1; next }
  !on && /^ *\{\[$/ && FILENAME ~ /\.mli$/ { on = 1; text = ""; from = FNR + 1; next }
  !on { copy = /^<!-- file: / }
  on && (fence_of($0) == "```" || /^ *\]\}$/) {
    on = 0
    if ((text ~ /external/) == (kind == "externals")) {
      printf "# %d \"%s\"\n%s", from, FILENAME, text
      blocks++
    }
    next
  }
  on { line = $0; sub(/^ *\/\/[\/!] ?/, "", line); gsub(/my_crate__/, "interop_documented__", line); text = text line "\n" }
  END { if (!blocks) { print "no example of OCaml was found" > "/dev/stderr"; exit 1 } }
' "$@"
