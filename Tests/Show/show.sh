#!/usr/bin/env bash
# Shows each promise of this release by running what proves it: one line a promise.
#
#   Tests/Show/show.sh           all of them
#   Tests/Show/show.sh fuzz      those whose line has the word
#
# Exit status 1 when one is not shown; what its command said is kept and named.
set -uo pipefail
cd "$(dirname "$0")/../.."
export NO_COLOR=1

readonly tributary=.build/release/tributary

# Unit and integration tests by name; a name that no test has shows nothing.
tests() {
    local output
    output=$(.build/release/tributaryPackageTests.xctest --testing-library swift-testing \
        --experimental-maximum-parallelization-width 8 --filter "$1" 2>&1)
    local status=$?
    printf '%s\n' "$output"
    ((status == 0)) && ! grep -q 'Test run with 0 tests' <<<"$output"
}

within_two_minutes() {
    timeout 120 "$tributary" simulate --seeds '0..<2000'
}

same_seed_same_story() {
    cmp <("$tributary" simulate --seed 412 --trace) <("$tributary" simulate --seed 412 --trace) &&
        "$tributary" simulate --seed 412 | grep .
}

same_seed_same_bytes() {
    cmp <("$tributary" generate 100000 --seed 7) <("$tributary" generate 100000 --seed 7)
}

# promise | what shows it
readonly promises='
the demo answers with five fields, and ends exact      | Tests/Readme/run.py
the demo says what differs, and leaves nothing behind  | Tests/Readme/test_demo.py
exact after kills, wipes, a hostile proxy; all replays | Tests/System/run.sh
wrong clocks, lost keys: right values, labelled         | Tests/System/clocks_and_losses.py
2,000 seeds of faults in 2 minutes, no unit wrong      | within_two_minutes
node and commit round alone, each by its events        | tests "RegionCore|CommitRound|CommandDesk"
what was done otherwise shows in a replay              | tests RecordingTests
a node that rebuilt holds what one that never stopped  | tests "TwoHistories|ShardRebuild"
a record of any shape the field sends, its right value | tests RecordFile
the same seed is the same disaster                     | same_seed_same_story
the same seed is the same bytes                        | same_seed_same_bytes
every planted protocol bug is caught                   | Tests/Mutants/run.py
bad records: counted by reason, never a trap           | tests "RecordDecoder|ShardFold"
bad records: in the dead-letter topic, with headers    | tests BadRecordTests
bad delta requests: 4xx, nothing written               | tests DeltaIngestTests
bad shards: refused alone, the others commit           | tests "StoreTests.Commit|Refusal|Ingest"
the decoders survive the fuzzer, which finds a plant   | Tests/Fuzz/fuzz.sh ${SECONDS_EACH:-60}
Redis holds the agreed keys, each with its expiry      | tests RedisStoreTests
an HQ with an older topology takes nothing in          | tests TopologyReplicasTests
the page lives, pauses, names what is missing; axe     | Tests/Browser/run.sh
nothing behind it: every reader answered, labelled     | tests StaticStabilityTests
a tick costs what changed, at 3 and at 30 regions      | tests RefreshCostTests
totals equal exact fractions, ties go to even          | tests MoneyTests
the interface is as its own description says           | make contract
nginx: collapsing, stale answers, an unbuffered stream | Tests/Nginx/nginx.py
the guide of deploy/systemd, followed literally | Tests/Deploy/systemd.py
the pure core is pure, arrows point down               | tests RepositoryTests
speed and memory, as ratios side by side               | make bench
'

shown=0
missing=0
logs=$(mktemp -d)
while IFS='|' read -r promise command; do
    [[ -n ${promise// /} ]] || continue
    [[ "$promise|$command" == *"${1:-}"* ]] || continue
    log="$logs/$((shown + missing + 1)).log"
    started=$SECONDS
    if eval "$command" >"$log" 2>&1 </dev/null; then
        verdict="shown    "
        shown=$((shown + 1))
    else
        verdict="NOT SHOWN"
        missing=$((missing + 1))
    fi
    printf '%s  %s %4d s %s\n' "$verdict" "$promise" $((SECONDS - started)) \
        "$([[ $verdict == shown* ]] || echo " $log")"
done <<<"$promises"

((missing)) || rm -rf "$logs"
echo "promises: $shown passed, $missing failed"
((missing == 0 && shown > 0))
