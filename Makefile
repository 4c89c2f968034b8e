# The entry points. Each installs what it lacks (scripts/setup.sh), says what it does, and is quick the second time.
# Recipes use relative paths alone, so the folder may have any name.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run build test soak conformance oracle wasi-testsuite bench fmt tidy lint asan tsan fuzz clean

# Clones in different folders share what was compiled.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc)

LISTEN ?= 127.0.0.1:8080
FUZZ_SECONDS ?= 30
FUZZERS ?=
SEEDS ?=
CASES ?= 100000
SEED ?= 1
SOAK ?= 10

# $(call compile,PRESET[,TARGET])
define compile
@test -f build/$(1)/build.ninja || cmake --preset $(1)
@cmake --build --preset $(1) $(if $(2),--target $(2))
endef

help: ## this list
	@sed -n 's/^\([a-z -]*\):.*## /\1\t/p' Makefile | expand -t 16

run: build ## serve the counter example, a component that counts in a key-value store (LISTEN=HOST:PORT)
	@scripts/setup.sh run
	@scripts/build_guests.sh build/guests cpp-counter
	@echo 'try: curl http://$(LISTEN)/ (again and again); stop with Ctrl-C'
	@exec build/unbolt run build/guests/cpp-counter.wasm --listen '$(LISTEN)'

build: ## compile for use; leaves build/unbolt
	@scripts/setup.sh build
	$(call compile,release,unbolt)
	@ln -sfn release/bin/unbolt build/unbolt

test: ## compile with assertions, build the guests, run all tests
	@scripts/setup.sh test
	$(call compile,dev)
	@scripts/build_guests.sh build/guests
	@scripts/build_oracle.sh >/dev/null
	@scripts/build_wascap.sh >/dev/null
	@scripts/run_tests.sh dev

conformance: ## run every .wast below SUITE=DIR (the folder test/ of a checkout of WebAssembly/component-model)
	@test -n '$(SUITE)' || exec tests/conformance/run.sh
	@scripts/setup.sh build
	$(call compile,dev,conformance_runner)
	@tests/conformance/run.sh '$(SUITE)'

oracle: ## compare the component layer with the reference engine's in CASES random cases, from SEED on
	@scripts/setup.sh build
	$(call compile,release,oracle_test)
	@mkdir -p build/oracle
	@tests/oracle/run.sh build/release/bin/oracle_test --cases '$(CASES)' --seed '$(SEED)' --keep build/oracle

soak: ## the tests that swap every part under load, SOAK times as long (100 swaps between all stores, 100,000 messages)
	@scripts/setup.sh test
	$(call compile,release,unbolt open_loop)
	@scripts/build_guests.sh build/guests
	@UNBOLT=build/release/bin/unbolt UNBOLT_LOAD=build/release/bin/open_loop UNBOLT_SOAK='$(SOAK)' \
	  UNBOLT_NATS_SERVER="$$(scripts/nats_server.sh)" /usr/bin/python3 -B -m pytest -q -s -p no:cacheprovider tests/e2e/test_swap_load.py

wasi-testsuite: ## run the checkout SUITE=DIR of WebAssembly/wasi-testsuite (its branch prod/testsuite-base)
	@test -n '$(SUITE)' || exec tests/wasi_testsuite/run.sh
	@$(MAKE) build
	@tests/wasi_testsuite/run.sh '$(SUITE)'

bench: build ## measure, beside the peers that are installed
	@scripts/setup.sh bench
	$(call compile,release,bench_programs)
	@scripts/build_guests.sh build/guests
	@bench/run.sh

fmt: ## format the C++ sources
	@scripts/setup.sh lint
	@scripts/check_format.sh --fix

tidy: ## clang-tidy over all sources
	@scripts/setup.sh build lint
	$(call compile,dev)
	@scripts/check_tidy.sh --all

lint: ## what CI checks beside the tests: format, layers, clang-tidy over changed files
	@scripts/setup.sh build lint
	@scripts/check_format.sh
	@scripts/check_layers.py --self-test
	@scripts/check_layers.py
	$(call compile,dev)
	@scripts/check_tidy.sh

asan tsan: ## the tests under the address and undefined-behaviour, or the thread sanitizer
	@scripts/setup.sh test
	$(call compile,$@)
	@scripts/build_guests.sh build/guests
	@scripts/build_oracle.sh >/dev/null
	@scripts/build_wascap.sh >/dev/null
	@scripts/run_tests.sh $@

fuzz: ## run each fuzzer for FUZZ_SECONDS, or only FUZZERS="decoder lift"; SEEDS=DIR takes inputs from the .wast files there
	@scripts/setup.sh build
	$(call compile,fuzz,$(FUZZERS:=_fuzzer))
	@test -z '$(SEEDS)' || scripts/fuzz_seeds.sh '$(SEEDS)'
	@scripts/run_fuzzers.sh '$(FUZZ_SECONDS)' $(FUZZERS:=_fuzzer)

clean: ## remove build/ (the native library and the toolchains stay in the user's cache folder)
	@rm -rf build
