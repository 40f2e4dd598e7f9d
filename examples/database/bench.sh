#!/usr/bin/env bash
# The same work on rust_db and on caqti-lwt, in turns, on SQLite and on a PostgreSQL that this starts (postgresql.sh).
#
#   bench.sh              both databases; SQLite only, where there is no PostgreSQL
#   bench.sh --sqlite     SQLite only; --postgresql the other one only
#   bench.sh --smoke      a little of everything, in seconds: whether it works, and no measurement
#   bench.sh --setup      installs what is missing, with apt-get
#
# More options are main.exe's: --rounds N, --rows N, --queries N, --only TEXT. Debian testing has caqti:
#   scripts/toolchain.sh forky 'examples/database/bench.sh --setup && examples/database/bench.sh'
set -euo pipefail
. "$(dirname "$0")/../../scripts/env.sh"

if [ "${1-}" = --setup ]; then
  apt_install libcaqti-lwt-ocaml-dev libcaqti-driver-postgresql-ocaml-dev libcaqti-driver-sqlite3-ocaml-dev postgresql util-linux
  exit
fi
for library in caqti-lwt.unix caqti-driver-postgresql caqti-driver-sqlite3; do
  if ! ocamlfind query $library >/dev/null 2>&1; then
    echo "skipped: $library is not installed; Debian testing has it: examples/database/bench.sh --setup"
    exit
  fi
done

databases='sqlite postgresql' options=()
for option; do
  case $option in
    --sqlite | --postgresql) databases=${option#--} ;;
    --smoke) options+=(--rounds 1 --rows 20000 --queries 1000) ;;
    *) options+=("$option") ;;
  esac
done

dune build --root . --profile release ./examples/database/bench
cargo build --release --quiet --target-dir target -p database-floor
programs=_build/default/examples/database/bench
bench() { $programs/main.exe "${options[@]}" "$1" $programs/ours.exe $programs/theirs.exe target/release/database-floor; }

folder=$(mktemp -d)
chmod 755 "$folder" # the server is another user
finish() {
  if [ -e "$folder/server/stop" ]; then "$folder/server/stop" || true; fi
  rm -rf "$folder"
}
trap finish EXIT

echo "$(nproc) processors, load $(cut -d ' ' -f 1-3 /proc/loadavg)"
for database in $databases; do
  echo
  case $database in
    sqlite)
      echo SQLite
      bench "sqlite:$folder/bench.db"
      ;;
    postgresql)
      echo PostgreSQL
      mkdir "$folder/server"
      # As rust_db's transactions are in any case.
      status=0
      examples/database/postgresql.sh "$folder/server" 'default_transaction_isolation = serializable' || status=$?
      [ "$status" != 77 ] || continue
      [ "$status" = 0 ] || die "PostgreSQL does not start"
      bench "postgres:///postgres?user=ledger&host=$folder/server"
      ;;
  esac
done
echo
echo "load $(cut -d ' ' -f 1-3 /proc/loadavg)"
