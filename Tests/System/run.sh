#!/usr/bin/env bash
# Every system test, one after another; most take --brokers for a real cluster.
set -euo pipefail
here=$(dirname "$0")
python=${PYTHON:-python3}
brokers=("$@")
# A standing cluster keeps the transfers of earlier runs: there, each run takes a new seed.
seed=${SEED:-$((${#brokers[@]} == 0 ? 1 : SRANDOM))}

echo "system: exact under faults"
"$python" "$here/faults.py" --seed "$seed" "${brokers[@]}"

echo "system: wrong clocks, partial loss of the store, a topic that continues another one"
"$python" "$here/clocks_and_losses.py" "${brokers[@]}"

if ((${#brokers[@]} == 0)); then
    echo "system: the same, shorter, with external brokers"
    "$python" "$here/with_brokers.py" eu-west us-east -- \
        "$python" "$here/faults.py" --seed "$seed" --rounds 1

    echo "system: a provider's rate jumps, is held and is accepted"
    "$python" "$here/held_rate.py"
fi
