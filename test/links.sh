#!/usr/bin/env bash
# No link of a page leads to nothing: neither to a file that is not there, nor to a heading that the page does not have. No page of
# doc/ that sources name has gone. And each example in OCaml is a copy of a file, or one that `rust-async check` sees.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

mapfile -t pages < <(git ls-files --cached --others --exclude-standard '*.md' | grep -v /kept/ || true)
((${#pages[@]} > 0)) || mapfile -t pages < <(find . -name '*.md' -not -path './_build/*' -not -path './target/*' -not -path '*/node_modules/*')
[ "${#pages[@]}" -ge 30 ] || die "only ${#pages[@]} pages were found"

# headings PAGE: the names by which links find its headings, as GitHub makes them: small letters, `-` for a space, nothing else.
headings() {
  awk '/^```/ { code = !code } !code && /^#+ / {
    sub(/^#+ /, ""); $0 = tolower($0)
    gsub(/[^a-z0-9_ -]/, ""); gsub(/ /, "-")
    print (count[$0]++ ? $0 "-" count[$0] - 1 : $0)
  }' "$1"
}

# links PAGE: what it links to, without what is in code.
links() { awk '/^```/ { code = !code } !code' "$1" | sed 's/`[^`]*`//g' | grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//' || true; }

dead=() followed=0
for page in "${pages[@]}"; do
  while IFS= read -r link; do
    [[ $link != *://* && $link != mailto:* ]] || continue
    followed=$((followed + 1))
    file=${link%%#*} anchor=''
    [[ $link != *'#'* ]] || anchor=${link#*#}
    target=$page
    [ -z "$file" ] || target=$(dirname "$page")/$file
    if [ ! -e "$target" ]; then
      dead+=("$page leads to $link, which is not there")
    elif [[ -n $anchor && $target == *.md ]] && ! headings "$target" | grep -qxF -- "$anchor"; then
      dead+=("$page leads to $link, and $file has no such heading")
    fi
  done < <(links "$page")
done
[ "$followed" -ge 100 ] || die "only $followed links were found"

# Pages that comments and messages name.
named=$(grep -rnoE '\bdoc/[a-z0-9_/-]+\.md' --include='*.rs' --include='*.ml' --include='*.mli' --include='*.sh' --include=dune \
  --include='*.toml' rust ocaml test/*.sh test/README.md test/declarations test/documented examples bench scripts)
while IFS=: read -r where line name; do
  [ -e "$name" ] || dead+=("$where:$line names $name, which is not there")
done <<<"$named"

for page in README.md $(find doc -name '*.md'); do
  checked=
  ! grep -qF "../../$page" test/*/dune || checked=yes
  while IFS= read -r line; do dead+=("$page:$line: an example in OCaml that nothing checks"); done < <(
    awk -v checked="$checked" '/^```ocaml$/ && before !~ /^<!-- / { at = FNR; external = 0; on = 1 } on && /^external / { external = 1 }
      on && /^```$/ { if (!external || !checked) print at; on = 0 } { before = $0 }' "$page")
done

[ "${#dead[@]}" = 0 ] || die "${dead[@]}"
echo "$followed links of ${#pages[@]} pages lead somewhere"
