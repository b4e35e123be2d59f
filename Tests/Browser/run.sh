#!/usr/bin/env bash
# The pages in Debian's Chromium: drawn from made-up reports, then live before real processes.
# Pictures are left in .build/screenshots (or SCREENSHOTS).
#
#   Tests/Browser/run.sh           everything
#   Tests/Browser/run.sh pages     test_pages.py alone; `live` for the other
set -euo pipefail
cd "$(dirname "$0")/../.."

GALLERY=$(mktemp -d)
export GALLERY
trap 'rm -rf "$GALLERY"' EXIT

echo "browser: pages"
DASHBOARD_GALLERY=$GALLERY NO_COLOR=1 .build/release/tributaryPackageTests.xctest \
    --testing-library swift-testing --filter GalleryTests >/dev/null

for subject in ${1:-pages live}; do
    "${PYTHON:-.venv/bin/python}" -m unittest discover --verbose --failfast \
        --start-directory Tests/Browser --pattern "test_$subject.py"
done
