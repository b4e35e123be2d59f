#!/usr/bin/env bash
# Every system test, one after another; each takes --brokers for a real cluster.
set -euo pipefail
here=$(dirname "$0")
brokers=("$@")

echo "system: exact under faults"
"${PYTHON:-python3}" "$here/faults.py" --seed "${SEED:-1}" "${brokers[@]}"
