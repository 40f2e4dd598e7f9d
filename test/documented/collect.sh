#!/bin/sh
# OCaml's half of the examples. `collect.sh modules FILE.mli` prints a module with all modules of the declarations in it.
# `collect.sh externals CRATE FILE…` prints the examples with an `external`: of Markdown files, of Rust's doc comments and of OCaml's.
# They have `my_crate` for CRATE.
set -eu
kind=$1
shift
if [ "$kind" = modules ]; then
  echo 'include Documented'
  sed -n 's/^module \([A-Za-z_]*\).*/include Documented.\1/p' "$1"
  exit
fi
crate=$1
shift
awk -v crate="$crate" '
  function fence_of(line) { sub(/^ *(\/\/[\/!])? */, "", line); return line }
  FNR == 1 { on = 0 }
  !on && fence_of($0) == "```ocaml" && !copy { on = 1; text = ""; printf "" ; from = FNR + 1; next }
  !on && /^ *\{\[$/ && FILENAME ~ /\.mli$/ { on = 1; text = ""; from = FNR + 1; next }
  !on { copy = /^<!-- / }
  on && (fence_of($0) == "```" || /^ *\]\}$/) {
    on = 0
    if (text ~ /external/) {
      printf "# %d \"%s\"\n%s", from, FILENAME, text
      blocks++
    }
    next
  }
  on { line = $0; sub(/^ *\/\/[\/!] ?/, "", line); gsub(/my_crate__/, crate "__", line); text = text line "\n" }
  END { if (!blocks) { print "no example of OCaml was found" > "/dev/stderr"; exit 1 } }
' "$@"
