#!/usr/bin/env bash
# A program of Rust's with OCaml inside, as the guide has `rust-async new --host` make it: `cargo run` and `cargo test` do everything, a change on
# either side is followed, and OCaml's errors are shown as they are. And the example's node, which is killed and loses nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

folder=$(mktemp -d)
. test/follow.sh
trap 'tell_failed; rm -rf "$folder"' EXIT

# Not in the dev profile: what the other tests have built of it is enough.
cargo build --quiet -p node
printed=$(target/debug/demo "$folder/node.redb" 40)
[[ $printed == *"kill -9"*"40 blocks of 50 operations"*"each is in the store once"* ]] || die "the node printed: $printed"

# What cargo builds for one project, the next one need not build again.
export CARGO_TARGET_DIR=$top/target/projects
ln -s "$top" "$folder/ocaml-lwt-interop"
cd "$folder"
follow "$top/doc/guide/09-host.md"

# So is one of another crate that says what a type is.
mkdir -p ../words/src
printf '[package]\nname = "words"\nversion = "0.1.0"\nedition = "2024"\n' >../words/Cargo.toml
echo 'pub type Name = String;' >../words/src/lib.rs
sed -i 's|^tokio = |words = { path = "../words" }\n&|' Cargo.toml
sed -i 's/name: String/name: words::Name/' src/lib.rs
printed=$(cargo run --quiet)
[ "$printed" = "good morning world" ] || die "with another crate it printed: $printed"
echo 'pub type Name = Option<String>;' >../words/src/lib.rs
if refused=$(cargo build --quiet 2>&1); then die "a change in another crate was not followed"; fi
[[ $refused == *'File "ocaml/main.ml"'*"string option"* ]] || die "a change in another crate is told with: $refused"
echo 'pub type Name = String;' >../words/src/lib.rs

# A module that raises while it is initialised.
printf '\nlet () = if Sys.getenv_opt "FAILS" <> None then failwith "no context"\n' >>ocaml/main.ml
if refused=$(FAILS=1 cargo run --quiet 2>&1); then die "a module that raises was not told"; fi
[[ $refused == *"no context"* ]] || die "a module that raises is told with: $refused"

# OCaml's libraries of C: threads, Unix, Str, and what Lwt has of them.
sed -i 's/(libraries lwt lwt.unix rust-async)/(libraries lwt lwt.unix rust-async threads.posix str unix)/' ocaml/dune
cat >ocaml/main.ml <<'END'
let greet name _times =
  let open Lwt.Syntax in
  let threads = List.init 4 (fun _ -> Thread.create Unix.sleepf 0.001) in
  List.iter Thread.join threads;
  let* child = Lwt_process.pread ("", [| "echo"; "child" |]) in
  let* detached = Lwt_preemptive.detach (Str.split (Str.regexp "[ \n]+")) (child ^ " " ^ name) in
  let+ () = My_project.wait 1 in
  String.concat ", " detached

let () = My_project.Greeter.provide { greet }
END
printed=$(cargo run --quiet)
[ "$printed" = "child, world" ] || die "with libraries of C it printed: $printed"

# dune alone, as an editor wants it.
dune build 2>&1
echo "a program of Rust's with OCaml inside builds, runs, and follows both sides"
