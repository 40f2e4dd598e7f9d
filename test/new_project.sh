#!/usr/bin/env bash
# The README's own project, made by the README's commands in a folder elsewhere; only `git clone` is a copy of this
# checkout instead. Then what the first chapter of the guide does with it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

checkout=$PWD
folder=$(mktemp -d)
. test/follow.sh
trap 'tell_failed; rm -rf "$folder"' EXIT
cd "$folder"

git() {
  [ "$1" = clone ] || die "the README uses git for something else than cloning: git $*"
  mkdir ocaml-lwt-interop
  tar -C "$checkout" --exclude=./_build --exclude=./target --exclude=./.git --exclude=node_modules -cf - . |
    tar -C ocaml-lwt-interop -xf -
}

follow "$checkout/README.md"

# The guide goes on in it.
cp -r src bin "$folder"
follow "$checkout/doc/guide/01-first-project.md"
cp -r "$folder"/src "$folder"/bin .

dune test

# Merlin shows the type of what is called, and Rust's doc comment. Where it is not (Debian 12 has none): what it would read.
type="string -> (string -> unit Lwt.t) -> string Lwt.t"
comment="Says hello to [name], once [on_done] has been called with it."
if command -v ocamlmerlin >/dev/null; then
  line=$(grep -n 'My_project\.greet' bin/main.ml)
  before=${line%%greet*}
  before=${before#*:}
  merlin() { ocamlmerlin single "$1" -position "${line%%:*}:$((${#before} + 1))" "${@:2}" -filename bin/main.ml <bin/main.ml; }
  shown=$(merlin type-enclosing -index 0)
  [[ $shown == *"$type"* ]] || die "merlin says that greet is: $shown"
  shown=$(merlin document)
  [[ $shown == *"$comment"* ]] || die "merlin says of greet: $shown"
  echo "merlin shows the type of a call, and Rust's doc comment"
else
  cmti=_build/default/.my_project.objs/byte/my_project.cmti
  # From OCaml 5.1 on it may be compressed. What it is made of says the same.
  case $(ocamlfind ocamlopt -version) in 4.* | 5.0.*) said=$cmti ;; *) said=_build/default/my_project.mli ;; esac
  [ -e "$cmti" ] || die "there is no $cmti"
  grep -aqF "$comment" "$said" || die "Rust's doc comment is not in $said"
  shown=$(ocamlfind ocamlc -package lwt,lwt.unix -I _build/default/.my_project.objs/byte -i _build/default/my_project.mli)
  [[ $(tr -s ' \n' ' ' <<<"$shown") == *"external greet : $type ="* ]] || die "the declarations are: $shown"
  echo "merlin is not here: its files have the type of a call, and Rust's doc comment"
fi
# Also where a test is a program of its own.
printf '\n/// Twice as much.\n#[ocaml_lwt_interop::func]\npub async fn double(n: isize) -> isize {\n    2 * n\n}\n' >>src/lib.rs
mkdir tests
cat >tests/doubles.rs <<'RUST'
use std::{future::Future, pin::pin, task};

#[test]
fn doubles() {
    let poll = pin!(my_project::double(2)).poll(&mut task::Context::from_waker(task::Waker::noop()));
    assert_eq!(poll, task::Poll::Ready(4));
}
RUST
cat >build.rs <<'RUST'
fn main() {
    println!("cargo::rustc-link-arg-tests=-locaml_lwt_interop_runtime");
}
RUST
cargo test --quiet

# What an edit costs is told, and not judged: the machine may have other things to do.
took() { printf '%s: %d.%02d s\n' "$1" $(($2 / 1000)) $(($2 % 1000 / 10)); }
now() { echo $(($(date +%s%N) / 1000000)); }
dune build ./bin/main.exe
sed -i 's/nobody to greet/nobody at all to greet/' src/lib.rs
began=$(now)
dune build ./bin/main.exe
took "an edited function is built again" $(($(now) - began))

# OCaml follows Rust: in the same build, a changed signature is an error where it is called.
sed -i 's/name: String, on_done/name: String, times: u8, on_done/' src/lib.rs
began=$(now)
if refused=$(dune build ./bin/main.exe 2>&1); then die "a call of another type was built"; fi
took "a changed signature is an error of OCaml's" $(($(now) - began))
[[ $refused == *bin/main.ml* ]] || die "a call of another type is refused with: $refused"
sed -i 's/name: String, times: u8, on_done/name: String, on_done/' src/lib.rs

# What would be a surprise in OCaml is refused, with what to write instead.
cp src/lib.rs kept
printf '\n#[ocaml_lwt_interop::func]\npub async fn bytes() -> Vec<u8> {\n    vec![]\n}\n' >>src/lib.rs
if refused=$(dune build ./bin/main.exe 2>&1); then die "Vec<u8> is not refused"; fi
[[ $refused == *"my_project::bytes: Vec<u8>"*ByteBuf* ]] || die "Vec<u8> is refused with: $refused"
mv kept src/lib.rs

# The same where the crate has the name of one that it depends on, the project is a workspace, and dune builds elsewhere.
sed -i 's/^name = "my-project"/name = "slab"/; s/^\[dependencies\]/[lib]\nname = "my_project"\n\n&/' Cargo.toml
printf '\n[workspace]\nexclude = ["rust-async"]\n' >>Cargo.toml
dune build --build-dir "$folder/elsewhere" ./bin/main.exe
printed=$("$folder/elsewhere/default/bin/main.exe")
[[ $printed == *"hello world" ]] || die "the project of the README, built elsewhere, printed: $printed"

# A panic has to unwind.
if refused=$(cargo check --release --config 'profile.release.panic="abort"' 2>&1); then die "panic = \"abort\" is not refused"; fi
[[ $refused == *'panic = "abort"'* ]] || die "panic = \"abort\" is refused with: $refused"

# What it cannot do, it says, and makes nothing.
cd "$folder"
new() { ocaml-lwt-interop/scripts/rust-async new "$1" 2>&1; }
refuses() {
  if refused=$(new "$1"); then die "rust-async new $1 is not refused"; fi
  [[ $refused == *"$2"* ]] || die "rust-async new $1 is refused with: $refused"
}
refuses my-project "is there already"
refuses Capital "no name for a crate"
refuses tokio "is taken"
refuses '' "no name for a crate"
[ ! -e Capital ] && [ ! -e tokio ] || die "rust-async new has made what it refused"
echo "the README's project builds, runs and follows its crate"
