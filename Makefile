# Every command that developers and CI need; `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The demo, the tests and CI share one release build. The flags avoid three rebuilds of SwiftPM 6.3
# that take minutes: after a plan with --product, the next build compiles every tool of every
# dependency (protoc among them); trait flags in hash order recompile swift-protobuf and Hummingbird
# after every second plan; and switching between a terminal with colours and a pipe recompiles
# everything.
BUILD := SWIFT_DETERMINISTIC_HASHING=1 swift build -c release --no-color-diagnostics
ANNOUNCE := [ -e .build/release/tributary ] || \
	echo 'The first build compiles every dependency: 10 to 15 minutes with two cores.'
TRIBUTARY := .build/release/tributary

# Starts the test bundle directly, because `swift test` would plan again with other flags. Hash
# order then differs between runs, so nothing may depend on it. Runs eight tests at a time: with all
# at once, tests that wait for real servers would wait for each other.
UNIT_TESTS := .build/release/tributaryPackageTests.xctest --testing-library swift-testing \
	--experimental-maximum-parallelization-width 8

PREPARE := deploy/setup/prepare.sh
FORMATTED := Package.swift Sources Tests

# Set on the command line: make demo DEMO="--regions 2 --seconds 60", make fuzz SECONDS=600, …
DEMO ?=
HOSTILE ?=
FILTER ?=
MUTANTS ?=
OLD ?=
DEFAULT_SEEDS := 0..<2000
SEEDS ?= $(DEFAULT_SEEDS)
SEQUENCES ?= 200
# Three starts check on any machine that a start works; more of them are timed, on an idle machine.
DEFAULT_STARTS := 3
STARTS ?= $(DEFAULT_STARTS)
SECONDS ?= 60
# A real cluster for the system tests: BROKERS="eu-west=127.0.0.1:9092 us-east=…"
BROKERS ?=

# On a slow machine with two cores, the default seeds take 80 s when it is idle, 110 s when it is
# busy. `make show` limits them to two minutes; the limit here admits even slower machines.
SIMULATION_BOUND := $(if $(filter $(DEFAULT_SEEDS),$(SEEDS)),timeout 240)

# No colours in output that does not go to a terminal, as in CI.
PLAIN := [ -t 1 ] || export NO_COLOR=1;

.NOTPARALLEL:

.PHONY: help build build-tests demo test nightly format-check unit simulation judge system \
	readme rates contract bench format lint proto fuzz mutants mutants-check show clean browser nginx \
	deploy upgrade hostile starts

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build .build/release/tributary, installing the Debian packages it needs
	@$(PREPARE) build
	@$(ANNOUNCE)
	$(BUILD)

demo: ## three regions, a day of history, live transfers, the public number on :8080
	@$(PREPARE) demo
	@$(ANNOUNCE)
	$(BUILD)
	$(TRIBUTARY) demo $(DEMO)

test: format-check mutants-check unit simulation judge rates contract nginx deploy starts system browser readme ## every check that CI runs

nightly: ## 10,000 simulation seeds, 2,000 sequences of rates, attacks, 20 starts; 40 minutes
	@$(MAKE) simulation SEEDS='0..<10000'
	@$(MAKE) rates SEQUENCES=2000
	@$(MAKE) hostile
	@$(MAKE) starts STARTS=20

build-tests:
	@$(PREPARE) test
	@$(ANNOUNCE)
	$(BUILD) --build-tests

unit: build-tests ## unit and integration tests; FILTER=Suite picks
	@export NO_COLOR=1; $(UNIT_TESTS) $(if $(FILTER),--filter '$(FILTER)') 2>&1 \
		| tee .build/unit.log \
		|| { echo; echo 'What failed:'; grep -E '✘|Fatal error' .build/unit.log; exit 1; }

simulation: build-tests ## the real core under seeded faults; SEEDS=0..<2000
	$(SIMULATION_BOUND) $(TRIBUTARY) simulate --seeds '$(SEEDS)'

judge: .venv/tests ## tests of the judge that verifies the system tests
	.venv/bin/python -m unittest discover --start-directory Tests/System --pattern 'test_*.py'

contract: build-tests .venv/tests ## the public interface against its OpenAPI description
	.venv/bin/python Tests/Contract/contract.py

rates: build-tests ## simulated rate providers against a second implementation; SEQUENCES=200
	python3 Tests/Rates/habits.py --sequences $(SEQUENCES)

nginx: build-tests ## the guide in deploy/nginx on an untouched Debian; its cache under abuse
	python3 Tests/Nginx/nginx.py

deploy: build-tests ## the guide in deploy/systemd, followed literally
	python3 Tests/Deploy/systemd.py

system: build-tests .venv/tests ## real processes and Redis under faults; BROKERS=… uses a cluster
	PATH="$$PWD/.venv/bin:$$PATH" Tests/System/run.sh $(BROKERS:%=--brokers %)

starts: build-tests .venv/tests ## three regions start and reach a total; STARTS=20 also times them
	.venv/bin/python Tests/Benchmarks/latency_bench.py --seconds 10 --starts $(STARTS) \
		$(if $(filter $(DEFAULT_STARTS),$(STARTS)),--no-goals)

hostile: build-tests .venv/tests ## headquarters under attack, 4 minutes; HOSTILE=--brief halves it
	.venv/bin/python Tests/Hostile/hostile.py $(HOSTILE)

upgrade: build-tests .venv/tests ## upgrade from another build under load: OLD=path/to/tributary
	PATH="$$PWD/.venv/bin:$$PATH" Tests/System/upgrade.py --old '$(OLD)'

browser: build-tests .venv/browser .venv/tests ## the dashboard in Chromium; .build/screenshots
	@$(PREPARE) browser
	Tests/Browser/run.sh $(BROKERS:%=--brokers %)

readme: build-tests .venv/tests ## each command of README.md as written; the demo's promises
	Tests/Readme/run.py
	.venv/bin/python Tests/Readme/test_demo.py

show: build-tests .venv/tests .venv/browser ## each promise of this release: shown or not shown
	PATH="$$PWD/.venv/bin:$$PATH" Tests/Show/show.sh

bench: build-tests .venv/bench .venv/tests ## speed and memory, as ratios measured side by side in one run
	@$(PREPARE) bench
	@status=0; \
	for bench in rollup_bench kafka_bench public_bench viewers_bench latency_bench refresh_cost; do \
		echo "— $$bench"; .venv/bin/python Tests/Benchmarks/$$bench.py || status=1; \
	done; \
	echo "— refill and push"; \
	TRIBUTARY_MEASURE=1 $(UNIT_TESTS) --filter 'RefillTests|DeltaCodecSizeTests' || status=1; \
	exit $$status

fuzz: ## the parsers with libFuzzer and AddressSanitizer; SECONDS=60 each
	@$(PREPARE) build
	Tests/Fuzz/fuzz.sh $(SECONDS)

mutants: ## plant protocol bugs one by one; each must be caught; MUTANTS=heartbeat picks
	@$(PREPARE) test
	Tests/Mutants/run.py $(MUTANTS)

mutants-check: ## check that each mutant still applies to the code it changes
	@$(PREPARE) test
	Tests/Mutants/run.py --check

format: ## rewrite the Swift sources in the house format
	swift format --in-place --parallel --recursive $(FORMATTED)

format-check:
	@$(PREPARE) build
	swift format lint --strict --parallel --recursive $(FORMATTED)

lint: format-check build-tests ## formatting and the repository's own rules
	$(PLAIN) $(UNIT_TESTS) --filter RepositoryTests

# The generator has the same version as the runtime that its code calls.
proto: ## regenerate the delta message's Swift code
	@$(PREPARE) protocol
	swift package resolve
	swift build -c release --package-path .build/checkouts/swift-protobuf \
		--scratch-path .build-protocol --product protoc-gen-swift
	protoc --plugin=.build-protocol/release/protoc-gen-swift --proto_path=Sources/DeltaCodec \
		--swift_out=Sources/DeltaCodec --swift_opt=Visibility=Internal \
		--swift_opt=UseAccessLevelOnImports=true delta.proto

clean: ## remove everything that make built or downloaded
	rm -rf .build .build-* .venv
	! command -v python3 >/dev/null || Tests/Mutants/run.py --clean

# Python tools are installed in the repository's folder; a stamp file records each installed list.
.venv/tests: Tests/requirements.txt
.venv/bench: Tests/requirements-bench.txt
.venv/browser: Tests/requirements-browser.txt
.venv/tests .venv/bench .venv/browser:
	@$(PREPARE) test
	test -x .venv/bin/python || python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
