#!/usr/bin/env bash
# What the prose copies or counts: the README and doc/host.md show files of projects that `rust-async new` makes, doc/objects.md,
# doc/arrays.md, examples/database and examples/fetch programs of the tests, and HACKING.md says how many minutes its reading order takes. `--write` writes them;
# without it, what they say is compared with what is there.
# (new_project.sh has what the README's project prints; documented/ runs the examples of the README, the guide and the crate.)
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

# In the table behind `<!-- minutes -->` the last cell of a row is the time for the files that the row links to, at 40 lines a
# minute, up to their tests. A row without code keeps what it says.
with_minutes() {
  awk '
    function lines_of(file,  line, n) {
      if (system("test -e " file) != 0) { print "HACKING.md links to " file ", which is not there" > "/dev/stderr"; exit 1 }
      while ((getline line < file) > 0 && line !~ /^#\[cfg\(.*test/) n++
      close(file)
      return n
    }
    /^<!-- minutes -->$/ { on = 1 }
    /^<!-- end of minutes -->$/ { on = 0 }
    on && /^\| ([0-9]| *\| together)/ {
      lines = 0; rest = $0
      while (match(rest, /\]\([^)]*\.(rs|ml)\)/)) {
        lines += lines_of(substr(rest, RSTART + 2, RLENGTH - 3)); rest = substr(rest, RSTART + RLENGTH)
      }
      minutes = $0; sub(/ \|$/, "", minutes); sub(/.*\| /, "", minutes)
      if (lines) minutes = int(lines / 40 + 0.5)
      if (/together/) minutes = total
      total += minutes; rows++
      sub(/\| [0-9]+ \|$/, "| " minutes " |")
    }
    { print }
    END { if (rows < 5) { print "HACKING.md has no reading order" > "/dev/stderr"; exit 1 } }
  ' HACKING.md
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/doc" "$folder/examples/database" "$folder/examples/fetch"
with_files README.md 3 >"$folder/README.md"
with_files doc/objects.md 1 >"$folder/doc/objects.md"
with_files doc/arrays.md 2 >"$folder/doc/arrays.md"
with_files doc/host.md 2 >"$folder/doc/host.md"
with_files examples/database/README.md 1 >"$folder/examples/database/README.md"
with_files examples/fetch/README.md 1 >"$folder/examples/fetch/README.md"
with_minutes >"$folder/HACKING.md"

for file in README.md doc/objects.md doc/arrays.md doc/host.md examples/database/README.md examples/fetch/README.md HACKING.md; do
  if [ "${1-}" = --write ]; then
    cat "$folder/$file" >"$file"
  else
    diff -u "$file" "$folder/$file" || die "$file does not say what is there: run test/readme.sh --write"
  fi
done
echo "README.md, doc/objects.md, doc/arrays.md, doc/host.md, examples/database/README.md, examples/fetch/README.md and HACKING.md say what is there"
