#!/usr/bin/env bash
# The oldest Rust that Cargo.toml promises builds the crates: Debian 13's own, which is not the one that the other tests use.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

promised=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
[ -n "$promised" ] || die "Cargo.toml promises no version of Rust"
there=$(/usr/bin/rustc --version 2>/dev/null || echo none)
if [[ $there != "rustc $promised."* ]]; then
  echo "skipped: the system's Rust is not $promised, but $there"
  exit
fi
RUSTC=/usr/bin/rustc /usr/bin/cargo check --quiet --locked --target-dir target/oldest -p ocaml-lwt-interop
echo "Rust $promised builds the crates"
