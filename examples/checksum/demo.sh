#!/usr/bin/env bash
# Runs the built example over this project's own sources, and lets sha256sum judge what it printed.
set -euo pipefail
cd "$(dirname "$0")/../.."
paths=(README.md ocaml rust examples)

sums=$(mktemp)
trap 'rm -f "$sums"' EXIT

_build/default/examples/checksum/main.exe "${paths[@]}" >"$sums"
sha256sum -c --quiet "$sums"
count=$(wc -l <"$sums")
# sha256sum can only judge the lines that are there.
found=$(find "${paths[@]}" -type f -printf . | wc -c)
if [ "$count" != "$found" ]; then
  echo "$count lines for $found files" >&2
  exit 1
fi
echo "$count files: sha256sum agrees on every one"
