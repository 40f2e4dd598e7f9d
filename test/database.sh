#!/usr/bin/env bash
# The laws of examples/database on a PostgreSQL of its own, which listens on a socket in a temporary folder and nowhere else. It runs
# as a user that is not root, is killed and started again by the laws, and is gone in the end.
set -euo pipefail
. "$(dirname "$0")/../scripts/env.sh"

binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
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
DATABASE_URL="postgres:///postgres?user=ledger&host=$folder" POSTGRES_KILL="$folder/kill" POSTGRES_START="$folder/start" \
  timeout --signal=KILL 300 _build/default/examples/database/test/test_database.exe --compact --show-errors
