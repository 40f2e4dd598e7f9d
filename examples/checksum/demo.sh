#!/usr/bin/env bash
# Runs the built example over this project's own sources, and lets sha256sum judge what it printed.
set -euo pipefail
cd "$(dirname "$0")/../.."

sums=$(mktemp)
trap 'rm -f "$sums"' EXIT

_build/default/examples/checksum/main.exe README.md ocaml rust examples >"$sums"
sha256sum -c --quiet "$sums"
echo "$(wc -l <"$sums") files: sha256sum agrees on every one"
