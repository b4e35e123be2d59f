#!/usr/bin/env bash
# Shows each promise of this release by running its proof. Prints one line per promise.
#
#   Tests/Show/show.sh           all promises
#   Tests/Show/show.sh fuzz      promises whose line contains the word
#
# Exit status 1 if a promise is not shown; its line names the log of the command.
set -uo pipefail
cd "$(dirname "$0")/../.."
export NO_COLOR=1

readonly tributary=.build/release/tributary

# Unit and integration tests by name; a name without a test shows nothing.
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

# promise | command that shows it
readonly promises='
the demo answers with five fields, and ends exact      | Tests/Readme/run.py
the demo reports differences and leaves nothing behind | Tests/Readme/test_demo.py
exact after kills, wipes, a hostile proxy; all replays | Tests/System/run.sh
wrong clocks, lost keys: right values, labelled        | Tests/System/clocks_and_losses.py
2,000 seeds of faults in 2 minutes, no unit wrong      | within_two_minutes
a node and a commit round, each driven by events       | tests "RegionCore|CommitRound|CommandDesk"
a replay shows every deviation                         | tests RecordingTests
a rebuilt node equals one that never stopped           | tests "TwoHistories|ShardRebuild"
records in every known format have the right value     | tests RecordFile
the same seed gives the same faults                    | same_seed_same_story
the same seed gives the same bytes                     | same_seed_same_bytes
every planted protocol bug is caught                   | Tests/Mutants/run.py
bad records: counted by reason, never a trap           | tests "RecordDecoder|ShardFold"
bad records: in the dead-letter topic, with headers    | tests BadRecordTests
bad delta requests: 4xx, nothing written               | tests DeltaIngestTests
bad shards: refused separately, others commit          | tests "StoreTests.Commit|Refusal|Ingest"
decoders survive the fuzzer, which finds a planted bug | Tests/Fuzz/fuzz.sh ${SECONDS_EACH:-60}
Redis holds the specified keys, each with its expiry   | tests RedisStoreTests
an HQ with an older topology accepts no deltas         | tests TopologyReplicasTests
the page is live, pauses, lists problems; axe          | Tests/Browser/run.sh
total outage: every reader gets a labelled answer      | tests StaticStabilityTests
a tick costs only changes, with 3 and 30 regions       | tests RefreshCostTests
totals equal exact fractions, ties go to even          | tests MoneyTests
the interface matches its OpenAPI description          | make contract
nginx: collapsing, stale answers, an unbuffered stream | Tests/Nginx/nginx.py
the guide of deploy/systemd works as written           | Tests/Deploy/systemd.py
the core is pure, modules depend only downwards        | tests RepositoryTests
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
