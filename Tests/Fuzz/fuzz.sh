#!/usr/bin/env bash
# Fuzzes the parsers of outside input, each target for SECONDS (60), with AddressSanitizer.
#
#   Tests/Fuzz/fuzz.sh [SECONDS [TARGET]]
#
# A target first proves that it detects errors: it must crash on a bug planted deep inside. Findings
# are kept in .build-fuzz/found; `.build/release/TARGET FILE` checks them again after a fix. The
# build is optimised, which gives eight times the inputs a second of a debug build.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly seconds=${1:-60}
readonly targets=${2:-fuzz-record-decoder fuzz-delta-codec}
readonly scratch=.build-fuzz
readonly plant_seconds_max=120
readonly counters_min=1000
readonly memory_mb_max=2048

# Lets the fuzzer, not Swift's backtracer, report a trap.
export SWIFT_BACKTRACE=enable=no

build() {
    # SwiftPM passes the two sanitizers separately. The compiler uses only the last one and
    # instruments nothing, so this passes them again together.
    SWIFT_DETERMINISTIC_HASHING=1 swift build -c release --scratch-path "$scratch" \
        --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=fuzzer,address \
        -Xswiftc -DFUZZING --product "$1"
}

# fuzz TARGET FOLDER FLAG…: runs a target on a private copy of its corpus.
fuzz() {
    local target=$1 folder=$2
    shift 2
    rm -rf "${folder:?}"
    mkdir -p "$folder/corpus"
    cp Tests/Fuzz/corpus/"$target"/* "$folder/corpus/"
    local dictionary=()
    [[ ! -e Tests/Fuzz/$target.dict ]] || dictionary=("-dict=Tests/Fuzz/$target.dict")
    "$scratch/release/$target" "${dictionary[@]}" -artifact_prefix="$folder/" -max_len=70000 \
        -timeout=10 -rss_limit_mb=$memory_mb_max -print_final_stats=1 "$@" "$folder/corpus" \
        >"$folder/log" 2>&1
}

fail() {
    echo "$1" >&2
    tail -n 25 "$2" >&2
    exit 1
}

for target in $targets; do
    echo "$target: building"
    mkdir -p "$scratch"
    build "$target" >"$scratch/build.log" 2>&1 || fail "$target does not build" "$scratch/build.log"

    planted="$scratch/planted/$target"
    started=$SECONDS
    if TRIBUTARY_FUZZ_PLANT=1 fuzz "$target" "$planted" -max_total_time=$plant_seconds_max; then
        fail "$target is blind: no planted bug in $plant_seconds_max s" "$planted/log"
    fi
    counters=$(sed -n 's/.*Loaded .* modules *(\([0-9]*\) inline.*/\1/p' "$planted/log" | head -n 1)
    ((${counters:-0} >= counters_min)) || fail "$target is not instrumented" "$planted/log"
    grep -q 'AddressSanitizer: heap-buffer-overflow' "$planted/log" &&
        grep -q 'reached the planted bug' "$planted/log" ||
        fail "$target crashed on something that was not planted" "$planted/log"
    echo "$target: $counters counters; found the planted bug after $((SECONDS - started)) s"

    found="$scratch/found/$target"
    fuzz "$target" "$found" -max_total_time="$seconds" ||
        fail "$target: found something; the input is in $found" "$found/log"
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log")
    covered=$(grep -o 'cov: [0-9]*' "$found/log" | tail -n 1)
    echo "$target: clean for $seconds s, $executed inputs, $covered"
done
