#!/usr/bin/env bash
# Renders the Mermaid sources in this folder, each to an SVG next to it, which is committed. Needs npm and Chromium.
#
#   diagrams/render.sh           those that are not of their source
#   diagrams/render.sh --all     all of them: the same sources give the same bytes
#   diagrams/render.sh --check   renders nothing and needs nothing; fails unless every picture is of its source, the
#                                README shows each, and the names in them are those of the code
set -euo pipefail
. "$(dirname "$0")/../scripts/env.sh"
cd diagrams

# The newest that runs on Debian 12's Node.js. What it depends on is what there was at that date.
mermaid_cli=11.12.0
puppeteer=23.11.1
packages_of=2025-12-20
# Texts are measured with this font. It is as wide as Verdana, and wider than what else a reader's machine may have, so
# that nothing is cut off there.
font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf

# What every viewer needs. Words are elements of their own that begin with a space, which librsvg drops unless it is told to
# keep it. And a viewer that ignores the style of the root, on a dark page, shows dark text on nothing: so there is a sheet.
finish='s|^<svg \([^>]*\)viewBox="\([^ ]*\) \([^ ]*\) \([^ ]*\) \([^"]*\)"\([^>]*\)>|<svg xml:space="preserve" \1viewBox="\2 \3 \4 \5"\6><rect x="\2" y="\3" width="\4" height="\5" style="fill:#ffffff;stroke:none"/>|'

# A picture is of its source when its last line has the hash of what it was made from.
stamp() {
  printf '<!-- made by render.sh from sha256 %s -->' \
    "$(cat "$1.mmd" mermaid.json - <<<"$mermaid_cli $packages_of $finish" | sha256sum | cut -d' ' -f1)"
}
current() { [ -e "$1.svg" ] && [ "$(tail -n 1 "$1.svg")" = "$(stamp "$1")" ]; }

check() {
  local failed=0 name file names word
  wrong() {
    printf 'diagrams/%s\n' "$*" >&2
    failed=1
  }
  for name in "${diagrams[@]}"; do
    current "$name" || wrong "$name.svg is not of $name.mmd: run make diagrams"
    [ "$(grep -cF "]($name.svg)" README.md)" = 1 ] || wrong "README.md does not show $name.svg once"
    # A source says, in comments like `%% rust/…/state.rs: ASLEEP notify`, what it takes from which file.
    while IFS=: read -r file names; do
      for word in $names; do
        grep -qwF -- "$word" "../$file" || wrong "$name.mmd names $word, which is not in $file any more"
      done
    done < <(sed -n 's/^%% \([^ ]*\): /\1:/p' "$name.mmd")
  done
  # The floors are the modules of lib.rs, each once, in the order of that list.
  names=$(sed -n 's/^\(pub \)\?mod \([a-z_]*\);$/\2/p' ../rust/ocaml-lwt-interop/src/lib.rs)
  [ "$(grep -v '^%%' floors.mmd | sed -n 's/^  [a-z]*\["`\([a-z_, ]*\)$/\1/p' | grep -o '[a-z_]*')" = "$names" ] ||
    wrong "floors.mmd has other modules than lib.rs, or in another order"
  for file in *.svg; do
    [ -e "${file%.svg}.mmd" ] || wrong "$file has no source"
  done
  for file in $(grep -o '](\.\./[^)#]*' README.md | cut -c3-); do
    [ -e "$file" ] || wrong "README.md leads to $file, which does not exist"
  done
  return "$failed"
}

# Into the user's cache, once for a version.
install_tools() {
  local missing=()
  command -v npm >/dev/null || missing+=(nodejs npm)
  command -v chromium >/dev/null || missing+=(chromium)
  [ -e "$font" ] || missing+=(fonts-dejavu-core)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" ||
    die "Rendering needs ${missing[*]}, which could not be installed: as root, apt-get install ${missing[*]}"
  tools=${XDG_CACHE_HOME:-$HOME/.cache}/ocaml-lwt-interop/mermaid-$mermaid_cli-$packages_of
  [ -e "$tools" ] && return
  heading "Installing mermaid-cli $mermaid_cli into $tools"
  rm -rf "$tools.new"
  PUPPETEER_SKIP_DOWNLOAD=1 npm install --prefix "$tools.new" --before "$packages_of" --ignore-scripts --no-audit \
    --no-fund --no-package-lock --loglevel error "@mermaid-js/mermaid-cli@$mermaid_cli" "puppeteer@$puppeteer" >&2
  mv "$tools.new" "$tools"
}

render() {
  local name=$1
  "$tools/node_modules/.bin/mmdc" --quiet --input "$name.mmd" --output "$work/$name.svg" --svgId "$name" \
    --configFile mermaid.json --backgroundColor white --puppeteerConfigFile "$work/puppeteer.json"
  { sed "1$finish" "$work/$name.svg" && echo && stamp "$name" && echo; } >"$work/$name.stamped"
  mv "$work/$name.stamped" "$name.svg"
  echo "diagrams/$name.svg"
}

diagrams=(*.mmd)
diagrams=("${diagrams[@]%.mmd}")
todo=()
case ${1-} in
  --check) ;;
  --all) todo=("${diagrams[@]}") ;;
  '') for name in "${diagrams[@]}"; do current "$name" || todo+=("$name"); done ;;
  *) die "usage: diagrams/render.sh [--all|--check]" ;;
esac
if [ ${#todo[@]} != 0 ]; then
  install_tools
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # Chromium's sandbox does not work as root, nor in many containers; what it opens here is ours.
  printf '{ "executablePath": "%s", "args": ["--no-sandbox", "--font-render-hinting=none"] }' \
    "$(command -v chromium)" >"$work/puppeteer.json"
  for name in "${todo[@]}"; do render "$name"; done
fi
check
echo "${#diagrams[@]} diagrams are of their sources"
