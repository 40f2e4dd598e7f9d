#!/usr/bin/env bash
# The laws of examples/database on a PostgreSQL of its own, which listens on a socket in a temporary folder and nowhere else. It runs
# as a user that is not root, is killed and started again by the laws, and is gone in the end.
set -euo pipefail
. "$(dirname "$0")/../scripts/env.sh"

binaries=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$binaries" ] || binaries=$(pg_config --bindir 2>/dev/null || true)
if ! [ -x "$binaries/initdb" ]; then
  echo "skipped: PostgreSQL's server is not installed"
  exit
fi

folder=$(mktemp -d)
as_user=()
if [ "$(id -u)" = 0 ]; then
  as_user=(setpriv --reuid nobody --regid nogroup --clear-groups env HOME="$folder")
  chown nobody:nogroup "$folder"
fi

# What the laws call.
cat >"$folder/kill" <<END
#!/usr/bin/env bash
kill -KILL \$(head -n 1 '$folder/data/postmaster.pid')
END
cat >"$folder/start" <<END
#!/usr/bin/env bash
# What a killed server has left goes within moments.
for _ in {1..100}; do
  if (cd '$folder' && ${as_user[*]} '$binaries/pg_ctl' -D data -l log -w -s start) >/dev/null 2>&1; then exit; fi
  sleep 0.1
done
tail '$folder/log' >&2
exit 1
END
chmod +x "$folder/kill" "$folder/start"

finish() {
  (cd "$folder" && "${as_user[@]}" "$binaries/pg_ctl" -D data -m immediate -s stop) || true
  rm -rf "$folder"
}
trap finish EXIT

(cd "$folder" && "${as_user[@]}" "$binaries/initdb" -D data -U ledger -A trust -N >/dev/null)
cat >>"$folder/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$folder'
fsync = off
END
"$folder/start"

dune build ./examples/database
url="postgres:///postgres?user=ledger&host=$folder"
DATABASE_URL=$url POSTGRES_KILL="$folder/kill" POSTGRES_START="$folder/start" \
  timeout --signal=KILL 300 _build/default/examples/database/test/test_database.exe --compact --show-errors

# Ctrl-C in a statement of the ledger's: it is gone at the server, and nothing is left of it.
ledger() { timeout --signal=KILL 60 _build/default/examples/database/ledger.exe --database "$url" "$@"; }
active() { "$binaries/psql" -h "$folder" -U ledger postgres -Atc "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT%' AND state = 'active'"; }
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
