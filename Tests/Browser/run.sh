#!/usr/bin/env bash
# Tests the pages in Debian's Chromium: first from made-up reports, then live with real processes.
# Leaves screenshots in .build/screenshots (or SCREENSHOTS).
#
#   Tests/Browser/run.sh           everything
#   Tests/Browser/run.sh pages     only test_pages.py; `live` for the other
#   … --brokers REGION=HOST:PORT   a region's Kafka instead of an embedded broker
set -euo pipefail
cd "$(dirname "$0")/../.."

subjects=()
BROKERS=
while (($#)); do
    case $1 in
    --brokers) BROKERS+="$2 " && shift 2 ;;
    *) subjects+=("$1") && shift ;;
    esac
done
((${#subjects[@]})) || subjects=(pages live)
export BROKERS

GALLERY=$(mktemp -d)
export GALLERY
trap 'rm -rf "$GALLERY"' EXIT

echo "browser: pages"
DASHBOARD_GALLERY=$GALLERY NO_COLOR=1 .build/release/tributaryPackageTests.xctest \
    --testing-library swift-testing --filter GalleryTests >/dev/null

for subject in "${subjects[@]}"; do
    "${PYTHON:-.venv/bin/python}" -m unittest discover --verbose --failfast \
        --start-directory Tests/Browser --pattern "test_$subject.py"
done
