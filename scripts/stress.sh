#!/usr/bin/env bash
# Operations of every kind, thousands in flight, for about ten minutes; see test/stress/README.md.
#
#   scripts/stress.sh [SEED]     without a seed: other operations each time
set -euo pipefail
. "$(dirname "$0")/env.sh"

dune build ./test/stress/stress.exe
seed=${1:-$(date +%s)}
stress() { _build/default/test/stress/stress.exe --seed "$@"; }
stress "$seed" --in-flight 10000 --rounds 5 --seconds 150
stress "$((seed + 1))" --in-flight 10000 --rounds 5 --seconds 150
stress "$((seed + 2))" --in-flight 1000 --rounds 10 --seconds 120
stress "$((seed + 3))" --in-flight 30 --rounds 20 --seconds 100
stress "$((seed + 4))" --in-flight 1 --rounds 4 --seconds 30
