#!/usr/bin/env bash
# Installs what the project needs and this machine lacks. Looks first: when all is there, it says nothing and is quick.
set -euo pipefail
. "$(dirname "$0")/env.sh"

# lacks NAME WANTED FOUND: prints a line when FOUND is nothing or older than WANTED.
lacks() {
  printf '%s\n' "$2" "${3:-0}" | sort -VC || echo "  $1 >= $2 (found: ${3:-none})"
}

missing() {
  command -v cc >/dev/null || echo "  a C compiler"
  lacks OCaml 4.13 "$(ocamlfind ocamlopt -version 2>/dev/null)"
  lacks dune 2.9 "$(dune --version 2>/dev/null)"
  lacks Lwt 5.6 "$(ocamlfind query -format %v lwt.unix 2>/dev/null)"
  lacks Alcotest 1.0 "$(ocamlfind query -format %v alcotest 2>/dev/null)"
}

rust=$(lacks Rust 1.85 "$(rustc --version 2>/dev/null | cut -d' ' -f2)")
[ -z "$rust" ] || die "This project needs" "$rust" "Install it with rustup, or update it with: rustup update stable"

list=$(missing)
[ -n "$list" ] || exit 0
printf 'Missing:\n%s\n' "$list" >&2

if has_opam_switch; then
  heading "Installing into the opam switch $(opam switch show)"
  opam install --yes --deps-only --with-test . >&2 || true
  eval "$(opam env 2>/dev/null)"
else
  heading "Installing with apt-get: ${debian_packages[*]}"
  apt_install "${debian_packages[@]}" || true
fi

list=$(missing)
[ -z "$list" ] || die "" "Still missing:" "$list" "" \
  "On Debian 12, Ubuntu 24.04 or later, as root: apt-get install ${debian_packages[*]}" \
  "With opam, elsewhere: opam switch create . 4.14.2, then run this again"
heading "Set up: OCaml $(ocamlfind ocamlopt -version), Lwt $(ocamlfind query -format %v lwt.unix), dune $(dune --version)"
