# Every command a person or CI needs; `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One configuration, release, for the demo, the tests and CI. Three habits of SwiftPM 6.3 cost
# minutes and are kept out: a plan made with --product makes the next build compile every tool
# of every dependency (protoc among them), trait flags in hash order compile swift-protobuf and
# Hummingbird anew after every second plan, and colours on a terminal compile everything anew
# after a build that was read as a file.
BUILD := SWIFT_DETERMINISTIC_HASHING=1 swift build -c release --no-color-diagnostics
ANNOUNCE := [ -e .build/release/tributary ] || \
	echo 'The first build compiles every dependency: 10 to 15 minutes with two cores.'
TRIBUTARY := .build/release/tributary

# `swift test` would plan once more, with other flags; the bundle it starts can be started.
# Hash order differs from run to run there: nothing may depend on it. Eight tests at a time: all
# at once, those that wait for real servers would wait for each other.
UNIT_TESTS := .build/release/tributaryPackageTests.xctest --testing-library swift-testing \
	--experimental-maximum-parallelization-width 8

PREPARE := deploy/setup/prepare.sh
FORMATTED := Package.swift Sources Tests

# Said on the command line: make demo DEMO="--regions 2 --seconds 60", make fuzz SECONDS=600, …
DEMO ?=
HOSTILE ?=
FILTER ?=
MUTANTS ?=
OLD ?=
DEFAULT_SEEDS := 0..<2000
SEEDS ?= $(DEFAULT_SEEDS)
SEQUENCES ?= 200
# Few of them check that a start works, on whatever machine; times are for a quiet one.
DEFAULT_STARTS := 3
STARTS ?= $(DEFAULT_STARTS)
SECONDS ?= 60
# A real cluster for the system tests: BROKERS="eu-west=127.0.0.1:9092 us-east=…"
BROKERS ?=

# The default seeds take 80 s of a slow machine with two cores that is idle, 110 s of a busy one.
# `make show` holds them to two minutes; here a machine that is slower still may pass.
SIMULATION_BOUND := $(if $(filter $(DEFAULT_SEEDS),$(SEEDS)),timeout 240)

# Whoever reads the output as a file, CI among them, reads it without colours.
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

test: format-check mutants-check unit simulation judge rates contract nginx deploy starts system browser readme ## everything that CI checks

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

simulation: build-tests ## the real core in a seeded world of faults; SEEDS=0..<2000
	$(SIMULATION_BOUND) $(TRIBUTARY) simulate --seeds '$(SEEDS)'

judge: .venv/tests ## the tests of the program that judges the system tests
	.venv/bin/python -m unittest discover --start-directory Tests/System --pattern 'test_*.py'

contract: build-tests .venv/tests ## the public interface against its own description
	.venv/bin/python Tests/Contract/contract.py

rates: build-tests ## random answers of rate providers, checked by a second policy; SEQUENCES=200
	python3 Tests/Rates/habits.py --sequences $(SEQUENCES)

nginx: build-tests ## the guide of deploy/nginx on an untouched Debian: its cache under abuse
	python3 Tests/Nginx/nginx.py

deploy: build-tests ## the guide of deploy/systemd, followed literally
	python3 Tests/Deploy/systemd.py

system: build-tests .venv/tests ## real processes, a real Redis, real faults; BROKERS=… a cluster
	PATH="$$PWD/.venv/bin:$$PATH" Tests/System/run.sh $(BROKERS:%=--brokers %)

starts: build-tests .venv/tests ## starts of three regions, each reaches a total; STARTS=20 times it
	.venv/bin/python Tests/Benchmarks/latency_bench.py --seconds 10 --starts $(STARTS) \
		$(if $(filter $(DEFAULT_STARTS),$(STARTS)),--no-goals)

hostile: build-tests .venv/tests ## headquarters under attack, 4 minutes; HOSTILE=--brief takes half
	.venv/bin/python Tests/Hostile/hostile.py $(HOSTILE)

upgrade: build-tests .venv/tests ## an upgrade under load from another build: OLD=path/to/tributary
	PATH="$$PWD/.venv/bin:$$PATH" Tests/System/upgrade.py --old '$(OLD)'

browser: build-tests .venv/browser .venv/tests ## the dashboard in Chromium, into .build/screenshots
	@$(PREPARE) browser
	Tests/Browser/run.sh $(BROKERS:%=--brokers %)

readme: build-tests .venv/tests ## each command of README.md as written; what the demo promises
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

fuzz: ## libFuzzer with AddressSanitizer on what parses input; SECONDS=60 each
	@$(PREPARE) build
	Tests/Fuzz/fuzz.sh $(SECONDS)

mutants: ## plant protocol bugs one by one; each must be caught; MUTANTS=heartbeat picks
	@$(PREPARE) test
	Tests/Mutants/run.py $(MUTANTS)

mutants-check: ## whether each mutant still fits the code it changes
	@$(PREPARE) test
	Tests/Mutants/run.py --check

format: ## rewrite the Swift sources in the house format
	swift format --in-place --parallel --recursive $(FORMATTED)

format-check:
	@$(PREPARE) build
	swift format lint --strict --parallel --recursive $(FORMATTED)

lint: format-check build-tests ## format, and the repository's rules for itself
	$(PLAIN) $(UNIT_TESTS) --filter RepositoryTests

# The generator is of the same version as the runtime that its code calls.
proto: ## generate the delta message's Swift code anew
	@$(PREPARE) protocol
	swift package resolve
	swift build -c release --package-path .build/checkouts/swift-protobuf \
		--scratch-path .build-protocol --product protoc-gen-swift
	protoc --plugin=.build-protocol/release/protoc-gen-swift --proto_path=Sources/DeltaCodec \
		--swift_out=Sources/DeltaCodec --swift_opt=Visibility=Internal \
		--swift_opt=UseAccessLevelOnImports=true delta.proto

clean: ## remove everything that was built or downloaded here
	rm -rf .build .build-* .venv
	! command -v python3 >/dev/null || Tests/Mutants/run.py --clean

# Python tools live in the repository's own folder; the stamp says which list was installed.
.venv/tests: Tests/requirements.txt
.venv/bench: Tests/requirements-bench.txt
.venv/browser: Tests/requirements-browser.txt
.venv/tests .venv/bench .venv/browser:
	@$(PREPARE) test
	test -x .venv/bin/python || python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
