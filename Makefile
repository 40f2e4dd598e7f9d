# The verbs. `make` alone lists them; what each does is in scripts/.

SHELL := bash
env := . scripts/env.sh &&

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: setup ## set up, build, and checksum this project's own sources with Rust under Lwt
	$(env) dune build --profile release ./examples/checksum/main.exe
	examples/checksum/demo.sh

demo-node: setup ## a blockchain node, Rust with OCaml inside: 1,000 blocks, and a kill -9 in the middle
	$(env) cargo build --release -p node && target/release/demo target/node.redb

demo-database: setup ## transfers in SQLite, by OCaml through Rust, and a report over a million of them
	$(env) dune build --profile release ./examples/database/ledger.exe
	examples/database/demo.sh

demo-fetch: setup ## downloads and an upload, with TLS, tries and Ctrl-C, from a server of its own
	$(env) dune build --profile release ./examples/fetch/fetch.exe ./examples/fetch/fetch-server
	examples/fetch/demo.sh

test: setup ## every test, on this machine's OCaml
	scripts/test.sh

test-all: ## every test, on this machine's OCaml, Debian 13's and Debian testing's (root)
	scripts/test-all.sh

stress: setup ## operations of every kind, ten thousand in flight, for about ten minutes
	scripts/stress.sh

fuzz: setup ## random programs over the whole API against a model, for SECONDS=60
	FUZZ_SECONDS=$(or $(SECONDS),60) test/fuzz.sh

sanitize: setup ## the laws under every checker that this machine has, about an hour; QUICK=yes for some minutes
	scripts/sanitize.sh $(if $(QUICK),--quick)

bench: setup ## the benchmark, with its baselines, on this machine's OCaml
	$(env) dune build --profile release ./bench/main.exe
	_build/default/bench/main.exe

bench-all: ## the benchmark on all three toolchains (root)
	scripts/test-all.sh --command 'make bench'

bench-record: ## records a run on each toolchain, and writes the figures of the pages from it, on a quiet machine (root)
	scripts/bench-record.sh

diagrams: ## render the Mermaid sources in diagrams/
	diagrams/render.sh

fmt: ## format the Rust code
	$(env) cargo fmt --all

lint: setup ## rustfmt check, clippy and rustdoc
	$(env) cargo fmt --all --check
	$(env) cargo clippy --workspace --all-targets -- -D warnings -D clippy::undocumented_unsafe_blocks
	$(env) RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps -p ocaml-lwt-interop -p ocaml-lwt-interop-macros -p ocaml-lwt-interop-build

setup: ## install what is missing: OCaml, dune, Lwt, Alcotest, a C compiler
	@scripts/setup.sh

clean: ## remove what was built
	rm -rf _build target

.DEFAULT_GOAL := help
.PHONY: help demo demo-database demo-fetch demo-node test test-all stress fuzz sanitize bench bench-all bench-record diagrams fmt lint setup clean
