#!/usr/bin/env bash
# A PostgreSQL of its own:  postgresql.sh FOLDER [SETTING]…  starts one in an empty folder. It listens on a socket there and nowhere
# else, runs as a user that is not root, and has a superuser `ledger`. It leaves FOLDER/kill, FOLDER/start and FOLDER/stop.
# Status 77, with the reason: none is installed.
set -euo pipefail
folder=$1
shift

binaries=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$binaries" ] || binaries=$(pg_config --bindir 2>/dev/null || true)
if ! [ -x "$binaries/initdb" ]; then
  echo "skipped: PostgreSQL's server is not installed"
  exit 77
fi

as_user=()
if [ "$(id -u)" = 0 ]; then
  as_user=(setpriv --reuid nobody --regid nogroup --clear-groups env HOME="$folder")
  chown nobody:nogroup "$folder"
fi

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
cat >"$folder/stop" <<END
#!/usr/bin/env bash
cd '$folder' && ${as_user[*]} '$binaries/pg_ctl' -D data -m immediate -s stop
END
chmod +x "$folder/kill" "$folder/start" "$folder/stop"

(cd "$folder" && "${as_user[@]}" "$binaries/initdb" -D data -U ledger -A trust -N >/dev/null)
printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$folder'" 'fsync = off' "$@" >>"$folder/data/postgresql.conf"
"$folder/start"
