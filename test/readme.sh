#!/usr/bin/env bash
# What the prose copies or counts: pages show files of projects that `rust-async new` makes, and programs of the tests with what
# they print; HACKING.md says how many minutes its reading order takes; and the figures of the benchmark, which come from bench/recorded.
# `--write` writes them; without it, what they say is compared with what is there.
# (follow.sh runs the commands that pages show; documented/ runs the examples that stand on a page alone; links.sh follows links.)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

# A block begins with a mark and a fence. What stands up to the closing fence is, after the mark
#   <!-- file: PATH -->                  the text of PATH;
#   <!-- part: NAME of PATH -->          what stands in PATH behind the line `-- NAME --`, which may be a comment, up to the next
#                                        such line. A page that shows a part of PATH shows all parts with a name.
#   <!-- lines: FIRST … LAST of PATH --> the lines of PATH from the first that begins with FIRST to one that begins with LAST.
# After <!-- refusals: PATH --> stands a table, up to an empty line: that of the macros' messages.
with_files() {
  awk -v page="$1" '
    function wrong(why) { print page ":" FNR ": " why > "/dev/stderr"; failed = 1; exit 1 }
    function name_of(line) {
      if (line !~ /^([^A-Za-z0-9]* )?-- .*-- *[^A-Za-z0-9]*$/) return ""
      if (line ~ /-- -- *[^A-Za-z0-9]*$/) return "-"
      sub(/^[^A-Za-z0-9]*-- /, "", line); sub(/ ?-- *[^A-Za-z0-9]*$/, "", line)
      return line
    }
    function print_file(file,  line, n) {
      while ((getline line < file) > 0) { print line; n++ }
      close(file)
      if (!n) wrong("there is nothing in " file)
    }
    function print_part(name, file,  line, here, empty, n) {
      while ((getline line < file) > 0) {
        if (name_of(line) != "") {
          here = name_of(line)
          if (here != "-") parts[file, here]
        } else if (here == name) {
          if (line == "") { empty++; continue }
          for (; n && empty > 0; empty--) print ""
          empty = 0; n++
          print line
        }
      }
      close(file)
      if (!n) wrong(file " has no part " name)
      shown[file, name]
    }
    function print_lines(first, last, file,  line, n, ended) {
      while (!ended && (getline line < file) > 0) {
        if (n || index(line, first) == 1) {
          print line
          ended = index(line, last) == 1 && (n || first != last)
          n++
        }
      }
      close(file)
      if (!ended) wrong(file " has no lines from " first " to " last)
    }
    function print_refusals(file,  line, texts, n, rows) {
      print "| what | why | instead |"
      print "|---|---|---|"
      while ((getline line < file) > 0) {
        if (line ~ /^table! /) texts = 1
        if (line == "}") texts = 0
        while (texts && match(line, /"([^"\\]|\\.)*"/)) {
          cell[n % 3] = substr(line, RSTART + 1, RLENGTH - 2); line = substr(line, RSTART + RLENGTH)
          gsub(/\\"/, "\"", cell[n % 3]); gsub(/\{\}/, "…", cell[n % 3]); gsub(/\|/, "\\|", cell[n % 3])
          if (n++ % 3 == 2) { print "| " cell[0] " | " cell[1] " | " cell[2] " |"; rows++ }
        }
      }
      close(file)
      if (rows < 50 || n % 3) wrong("there is no table of messages in " file)
    }
    /^<!-- refusals: / { print; print ""; print_refusals($3); print ""; skipping = 2; next }
    skipping { if ($0 == "") skipping--; else if (skipping == 2) wrong("no empty line behind the mark"); next }
    /^<!-- (file|part|lines): / {
      if (mark != "") wrong("no block follows the mark before")
      mark = $0; at = FNR
      if (!match(mark, /^<!-- [a-z]+: .* -->$/)) wrong("a mark without an end")
    }
    inside && /^```$/ { inside = 0; mark = "" }
    !inside { print }
    mark != "" && !inside && FNR == at + 1 {
      if ($0 !~ /^```./) wrong("no block follows the mark")
      kind = mark; sub(/^<!-- /, "", kind); sub(/:.*/, "", kind)
      what = mark; sub(/^<!-- [a-z]+: /, "", what); sub(/ -->$/, "", what)
      file = what; sub(/.* of /, "", file)
      sub(/ of [^ ]*$/, "", what)
      if (kind == "file") print_file(what)
      if (kind == "part") print_part(what, file)
      if (kind == "lines") { split(what, ends, " … "); print_lines(ends[1], ends[2], file) }
      inside = 1
    }
    END {
      if (failed) exit 1
      if (inside || mark != "") wrong("a block without an end")
      for (part in parts) if (!(part in shown)) {
        split(part, words, SUBSEP)
        print page " does not show the part " words[2] " of " words[1] > "/dev/stderr"; exit 1
      }
    }
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

# with_figures PAGE: bench/figures/src/page.rs says which marks there are.
cargo build --quiet --target-dir target -p bench_figures
with_figures() { target/debug/figures page bench/recorded "$1"; }
curves() { target/debug/figures curves bench/recorded debian13; }

new=$(mktemp)
trap 'rm -f "$new"' EXIT

# same PAGE COMMAND…: what the command prints is the page.
same() {
  "${@:2}" >"$new" || die "$1 cannot be made"
  if [ "${write-}" = --write ]; then
    cmp -s "$new" "$1" || cat "$new" >"$1"
  else
    diff -u "$1" "$new" || die "$1 does not say what is there: run test/readme.sh --write"
  fi
}

write=${1-}
mapfile -t pages < <(find . -name '*.md' -not -path './_build/*' -not -path './target/*' -not -path '*/node_modules/*' \
  -exec grep -lE '^<!-- (file|part|lines|refusals): ' {} + | sort)
[[ " ${pages[*]} " == *" ./README.md "* && ${#pages[@]} -ge 5 ]] || die "only these pages show files: ${pages[*]}"
for page in "${pages[@]}"; do same "$page" with_files "$page"; done
same HACKING.md with_minutes

mapfile -t measured < <(find . -name '*.md' -not -path './_build/*' -not -path './target/*' -not -path '*/node_modules/*' \
  -exec grep -lE '<!-- (figures?|holds)( -->|: )' {} + | sort)
for page in ./README.md ./doc/performance.md; do
  [[ " ${measured[*]} " == *" $page "* ]] || die "$page has no figures of the benchmark"
done
for page in "${measured[@]}"; do same "$page" with_figures "$page"; done
same doc/curves.svg curves

# The programs of the guide, all of them.
for file in examples/guide/*.expected $(grep -lE '^[^A-Za-z0-9]*-- .* --' examples/guide/*.ml examples/guide/src/*.rs); do
  grep -qF " of $file -->" doc/guide/*.md || die "no chapter of the guide shows $file"
done
echo "HACKING.md, ${#pages[@]} pages that show files and ${#measured[@]} with figures say what is there"
