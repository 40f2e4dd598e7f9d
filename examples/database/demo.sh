#!/usr/bin/env bash
# Runs the built ledger on SQLite: transfers, one run that is stopped in the middle, and a report over a million rows.
set -euo pipefail
cd "$(dirname "$0")/../.."
ledger=$PWD/_build/default/examples/database/ledger.exe
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

say() {
  printf '$ ledger %s\n' "$*"
  "$ledger" "$@"
}
say open 100
say transfer 2000
say --timeout 0.5 transfer 1000000 || [ $? = 124 ]
say report
say circle 1000000
say report
