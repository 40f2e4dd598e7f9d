#!/usr/bin/env bash
# The laws of examples/database on a PostgreSQL of its own, which listens on a socket in a temporary folder and nowhere else. It runs
# as a user that is not root, is killed and started again by the laws, and is gone in the end.
set -euo pipefail
. "$(dirname "$0")/../scripts/env.sh"

folder=$(mktemp -d)
finish() {
  if [ -e "$folder/stop" ]; then "$folder/stop" || true; fi
  rm -rf "$folder"
}
trap finish EXIT
status=0
examples/database/postgresql.sh "$folder" || status=$?
[ "$status" != 77 ] || exit 0
[ "$status" = 0 ] || die "PostgreSQL does not start"

dune build ./examples/database
url="postgres:///postgres?user=ledger&host=$folder"
DATABASE_URL=$url POSTGRES_KILL="$folder/kill" POSTGRES_START="$folder/start" \
  timeout --signal=KILL 300 _build/default/examples/database/test/test_database.exe --compact --show-errors

# Ctrl-C in a statement of the ledger's: it is gone at the server, and nothing is left of it.
ledger() { timeout --signal=KILL 60 _build/default/examples/database/ledger.exe --database "$url" "$@"; }
active() { psql -h "$folder" -U ledger postgres -Atc "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT%' AND state = 'active'"; }
ledger open 10
ledger transfer 500
_build/default/examples/database/ledger.exe --database "$url" circle 1000000000 &
for _ in {1..500}; do
  [ "$(active)" = 0 ] || break
  sleep 0.02
done
[ "$(active)" = 1 ] || die "the statement does not run"
kill -INT $!
status=0
wait $! || status=$?
[ "$status" = 130 ] || die "status $status"
[ "$(active)" = 0 ] || die "the server goes on"
ledger report
