#!/usr/bin/env bash
# Whether examples/database/bench.sh runs, where caqti is installed; it measures nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
timeout --signal=KILL 300 examples/database/bench.sh --smoke
