#!/usr/bin/env bash
# The README's own project, made by the README's commands in a folder elsewhere; only `git clone` is a copy of this
# checkout instead.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

checkout=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

git() {
  [ "$1" = clone ] || die "the README uses git for something else than cloning: git $*"
  mkdir ocaml-lwt-interop
  tar -C "$checkout" --exclude=./_build --exclude=./target --exclude=./.git --exclude=node_modules -cf - . |
    tar -C ocaml-lwt-interop -xf -
}

commands=$(awk '/^<!-- run: new-project -->/{ on = 1; next } on && /^```$/ { exit } on && !/^```/' "$checkout/README.md")
[ -n "$commands" ] || die "README.md has no block marked <!-- run: new-project -->"
printed=$(eval "$commands")
[[ $printed == *"Rust says: nobody to greet" ]] || die "the project of the README printed: $printed"

# The same where the crate is called as one that it depends on, the project is a workspace, and dune builds elsewhere.
(
  cd my-project
  sed -i 's/^name = "hello"/name = "slab"/; s/^\[lib\]/&\nname = "hello"/' Cargo.toml
  printf '\n[workspace]\nexclude = ["ocaml-lwt-interop"]\n' >>Cargo.toml
  dune build --build-dir "$folder/elsewhere" ./main.exe
)
printed=$(elsewhere/default/main.exe)
[[ $printed == *"Rust says: nobody to greet" ]] || die "the project of the README, built elsewhere, printed: $printed"

# A panic has to unwind.
(
  cd my-project
  if refused=$(cargo check --release --config 'profile.release.panic="abort"' 2>&1); then die "panic = \"abort\" is not refused"; fi
  [[ $refused == *'panic = "abort"'* ]] || die "panic = \"abort\" is refused with: $refused"
)
echo "the README's project builds and runs elsewhere"
