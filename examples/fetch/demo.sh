#!/usr/bin/env bash
# Runs the built fetch against the built server, on 127.0.0.1: downloads that go wrong at first, what is refused, an upload, Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/../.."
fetch=$PWD/_build/default/examples/fetch/fetch.exe server=$PWD/_build/default/examples/fetch/fetch-server
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT # the server ends with its standard input, and so with this script
cd "$folder"
mkfifo input ports
"$server" authority.pem <input >ports &
exec 9>input
read -r http https <ports
http=http://127.0.0.1:$http https=https://127.0.0.1:$https

# The server's authority is trusted, and no other: that is not shown.
say() {
  printf '$ fetch %s\n' "$*"
  "$fetch" --trust authority.pem "$@" || [ $? = "${expected-0}" ]
}
say "$https/bytes/200000000" "$http/flaky/2/late" "$http/torn/1/5000000"
expected=1 say --tries 2 --timeout 0.5 "$http/hang" "$http/status/404" "$http/bytes/100"
expected=1 say "https://localhost:${https##*:}/bytes/100"
head -c 50000000 /dev/zero >zeros
say --put zeros "$https/count"
printf '$ fetch %s & sleep 0.5; kill -INT $!; wait $!; ls 100000000*\n' "$http/half/100000000"
"$fetch" --trust authority.pem "$http/half/100000000" &
sleep 0.5
kill -INT $!
wait $! || [ $? = 130 ]
ls 100000000* 2>&1 || true
