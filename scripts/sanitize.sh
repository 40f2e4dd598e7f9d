#!/usr/bin/env bash
# The laws under every checker that this machine has; ends with a table of what ran. `doc/safety.md` says what each of them sees.
#
#   scripts/sanitize.sh           all of it, an hour or so
#   scripts/sanitize.sh --quick   some minutes of it
#   scripts/sanitize.sh ROW…      some rows
set -uo pipefail
. "$(dirname "$0")/env.sh"

quick=
[ "${1-}" != --quick ] || { quick=yes; shift; }
rows=("$@")
if [ -n "$quick" ]; then rows=(debug-runtime-quick asan-model tsan-model fuzz-memprof); fi

host=$(rustc -vV | sed -n 's/^host: //p')
table=() failed=0

note() { table+=("$(printf '%-22s %-8s %s' "$1" "$2" "$3")"); }

# row NAME WHAT COMMAND…: runs it, and says how it ended. Status 77: skipped; the last line says why.
row() {
  local name=$1 what=$2 started=$SECONDS log status
  shift 2
  if [ ${#rows[@]} -gt 0 ] && ! printf '%s\n' "${rows[@]}" | grep -qx "$name"; then return; fi
  heading "$name: $what"
  log=$(mktemp)
  "$@" 2>&1 | tee "$log" >&2
  status=${PIPESTATUS[0]}
  case $status in
    0) note "$name" passed "$what, $((SECONDS - started)) s" ;;
    77) note "$name" skipped "$(tail -n 1 "$log")" ;;
    *) note "$name" FAILED "$what (status $status)"; failed=$((failed + 1)) ;;
  esac
  rm -f "$log"
}

skip() { printf '%s\n' "$*"; return 77; }

# The programs of laws, and those of processes, in a folder of dune's: COMMAND before each of them.
all_laws=(matrix endings values arguments records cancel giving_up gc handles on_tokio blocking streams sources readers closing keys
  budget objects destructors arrays loans domains pools domain_objects)
all_processes=(exiting shutdown forking threads loops raising panicking pooling waking blocking_threads reading values children access
  signals depth objects pools)

# What dune builds for them: all of ./test is three times as much.
programs=("${all_laws[@]/#/./test/test_}" "${all_processes[@]/#/./test/process/}")
programs=("${programs[@]/%/.exe}")

laws() { # laws FOLDER NAME…
  local folder=$1 name bad=0
  shift
  for name; do
    (cd "$folder/default/test" && timeout 20m "${before[@]}" "./test_$name.exe" --compact --show-errors >"$folder/log" 2>&1) ||
      { printf 'FAILED: test_%s\n' "$name"; tail -n 40 "$folder/log"; bad=1; }
  done
  return $bad
}

processes() { # processes FOLDER NAME…
  local folder=$1 name bad=0
  shift
  for name; do
    (cd "$folder/default/test/process" && timeout 20m "${before[@]}" "./$name.exe" >"$folder/log" 2>&1) ||
      { printf 'FAILED: %s\n' "$name"; tail -n 40 "$folder/log"; bad=1; }
  done
  return $bad
}

before=(env)

# OCaml's debug runtime checks its heap and each call of its own; Rust's debug assertions and overflow checks are on. In folders of their
# own: neither dune nor cargo knows of these settings.
debug_build=$top/target/dune_debug
in_debug() {
  OCAMLPARAM='_,runtime-variant=d' CARGO_TARGET_DIR=$top/target/debug_runtime CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true \
    CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    dune build --root . --build-dir "$debug_build" "$@"
}
has_debug_runtime() {
  [ -e "$(ocamlfind ocamlc -where)/libasmrund.a" ] || skip "this OCaml has no debug runtime"
}
debug_runtime_quick() {
  has_debug_runtime || return
  in_debug ./test/fuzz/fuzz.exe || return
  # It tells of each collection otherwise.
  OCAMLRUNPARAM=v=0 "$debug_build/default/test/fuzz/fuzz.exe" --no-hosts --seconds "${SECONDS_OF_FUZZ:-40}" --count 100
}
debug_runtime() {
  has_debug_runtime || return
  in_debug "${programs[@]}" || return
  # It tells of each collection otherwise.
  before=(env OCAMLRUNPARAM=v=0)
  local status=0
  laws "$debug_build" "${all_laws[@]}" || status=1
  processes "$debug_build" "${all_processes[@]}" || status=1
  before=(env)
  return $status
}

# Everything that runs without OCaml. In release mode, since one test looks at each state of a stream: minutes become seconds.
sanitizer() { # sanitizer NAME FLAGS…
  local name=$1
  shift
  case $host in
    x86_64-unknown-linux-gnu | aarch64-unknown-linux-gnu) ;;
    *) skip "Rust has no runtime of this sanitizer for $host"; return ;;
  esac
  # Of the stack: an instrumented frame is larger than what its tests leave.
  RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$name $*" CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_LTO=off \
    timeout 30m cargo test --release --target "$host" --target-dir "target/$name" -p interop-model -- --skip stack::tests
}
asan_model() {
  sanitizer address &&
    # Once more with the memory of tasks kept for the next ones, which hides what is used after its end, and has faults of its own.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address --cfg keeps_memory" CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true \
      CARGO_PROFILE_RELEASE_LTO=off timeout 30m cargo test --release --target "$host" --target-dir target/address_keeping -p interop-model -- task
}
# The models of the protocols, on real threads: `test/model/threads` says what ThreadSanitizer sees of them, and why fences are wrapped.
tsan() { # tsan FILTER…: the tests whose names have one of these
  local flags="-Zsanitizer=thread --cfg loom --cfg real_threads --cfg thread_sanitizer"
  flags+=" -Clink-arg=-Wl,--wrap=__tsan_atomic64_fetch_sub,--wrap=__tsan_atomic_thread_fence"
  if rustc -C help | grep -q unsafe-allow-abi-mismatch; then flags+=" -Cunsafe-allow-abi-mismatch=sanitizer"; fi
  TSAN_OPTIONS="halt_on_error=1 suppressions=$top/scripts/tsan.supp" RUSTC_BOOTSTRAP=1 RUSTFLAGS=$flags \
    CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_LTO=off \
    timeout 30m cargo test --release --target "$host" --target-dir target/thread -p interop-model -- "$@"
}
tsan_model() {
  compgen -G "$(rustc --print sysroot)/lib/rustlib/$host/lib/librustc*_rt.tsan.a" >/dev/null ||
    { skip "this Rust has no runtime of ThreadSanitizer for $host"; return; }
  tsan || return
  # It has to find a race in each of these where no atomic orders anything. The laws of a task's state share nothing else.
  local models found log
  log=$(mktemp)
  for models in domain_pool:: executor:: gate:: model::blocking:: objects:: pile:: slot:: task_cell:: wake::; do
    MODEL_RELAXED=yes tsan "$models" >"$log" 2>&1
    grep -q 'WARNING: ThreadSanitizer: data race' "$log" && printf 'without orders: a race in %s, as it has to be\n' "$models" ||
      { cat "$log"; printf 'FAILED: without orders, ThreadSanitizer finds no race in %s\n' "$models"; found=no; }
  done
  rm -f "$log"
  [ -z "${found-}" ]
}
# What is generated, against a heap that is none of OCaml's.
asan_macros() {
  RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_PROFILE_RELEASE_LTO=off \
    timeout 30m cargo test --release --target "$host" --target-dir target/address -p ocaml-lwt-interop-macros --test expansion
}

miri() {
  cargo miri --version >/dev/null 2>&1 || { skip "no Miri here: it is in nightly Rust's component miri"; return; }
  MIRIFLAGS=-Zmiri-ignore-leaks timeout 60m cargo miri test --target-dir target/miri -p interop-model -- --skip stack::tests --skip window::tests
}

loom() { RUSTFLAGS="--cfg loom" cargo test --release --target-dir target/loom -p interop-model; }

# Undefined values are off: OCaml's heap and its scans of the stack are full of them. No time-bound laws: everything is twenty times slower.
valgrind_laws() {
  command -v valgrind >/dev/null || { skip "no valgrind here"; return; }
  [[ $(ocamlfind ocamlopt -version) != 5.* ]] || { skip "valgrind does not follow OCaml 5 from stack to stack"; return; }
  dune build --root . "${programs[@]}" || return
  before=(valgrind --quiet --error-exitcode=9 --undef-value-errors=no --suppressions="$top/scripts/valgrind.supp")
  laws "$top/_build" endings values arguments records cancel giving_up gc handles on_tokio keys arrays loans objects destructors readers \
    closing
  local status=$?
  before=(env)
  return $status
}

# OCaml's settings, under each of which the collector does something else at another moment.
runtime_parameters() {
  dune build --root . "${programs[@]}" || return
  local parameters names bad=0
  for parameters in s=256 s=4k,o=20 b c; do
    printf 'OCAMLRUNPARAM=%s\n' "$parameters"
    before=(env "OCAMLRUNPARAM=$parameters")
    names=("${all_laws[@]}")
    # With `c` no program ends in which Lwt_preemptive has a thread, also without Rust: OCaml 4 frees the condition that it waits for.
    if [ "$parameters" = c ]; then mapfile -t names < <(printf '%s\n' "${all_laws[@]}" | grep -vx readers); fi
    laws "$top/_build" "${names[@]}" || bad=1
  done
  printf 'RUST_BACKTRACE=full\n'
  before=(env TEST_BACKTRACE=full)
  laws "$top/_build" matrix endings || bad=1
  before=(env)
  return $bad
}

fuzz_memprof() {
  dune build --root . ./test/fuzz/fuzz.exe && cargo build --target-dir target -p fuzz-host || return
  FUZZ_MEMPROF=1 _build/default/test/fuzz/fuzz.exe --seconds "${SECONDS_OF_FUZZ:-40}" --count 100
}
fuzz() {
  dune build --root . ./test/fuzz/fuzz.exe && cargo build --target-dir target -p fuzz-host || return
  _build/default/test/fuzz/fuzz.exe --seconds "${SECONDS_OF_FUZZ:-600}"
}

oldest_rust() { test/oldest_rust.sh; }

row debug-runtime-quick "the fuzzer under OCaml's debug runtime, with Rust's debug assertions" debug_runtime_quick
row debug-runtime "all laws under OCaml's debug runtime, with Rust's debug assertions" debug_runtime
row asan-model "what runs without OCaml, under AddressSanitizer" asan_model
row asan-macros "what the macros make, under AddressSanitizer" asan_macros
row tsan-model "the protocols between threads, on real threads, under ThreadSanitizer" tsan_model
row miri "what runs without OCaml, in Miri" miri
row loom "the protocols between threads, every order of a few threads" loom
row valgrind "laws that are not about time, under valgrind" valgrind_laws
row runtime-parameters "laws under s=256, s=4k,o=20, b, c, and RUST_BACKTRACE=full" runtime_parameters
row fuzz-memprof "the fuzzer with a profiler that allocates at every allocation" fuzz_memprof
row fuzz "the fuzzer" fuzz
row oldest-rust "the oldest Rust that is promised" oldest_rust

heading sanitize
printf '%s\n' "${table[@]}"
[ "$failed" = 0 ]
