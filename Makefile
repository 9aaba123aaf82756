# Every verb sets up what it needs; `make` alone lists them.
#
#   PYTHON=python3.12     interpreter to make the environment of (default: the newest fit one)
#   JOBS=4                test processes at a time; most of their time they wait
#   FUZZ_SECONDS=60       time for each fuzz target
#   SURVIVE_ROUNDS=50   rounds of `make survive`
#   SURVIVE_SEED=1      the seed that a failed round printed (default: a new one)
#   PYTEST_ARGS='-k ...'  more arguments for pytest
#   BENCH_ARGS='--quick'  arguments for the benchmarks

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install -q
DONE := $(VENV)/.done
JOBS ?= 4
FUZZ_SECONDS ?= 60
SURVIVE_ROUNDS ?= 50
SURVIVE_SEED := $(strip $(or $(SURVIVE_SEED),$(shell od -An -N2 -tu2 /dev/urandom)))
SANITIZE_LIB := build/sanitize/lib

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHON

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint types stubs fuzz sanitize conformance conformance-full soak survive accuracy bench \
	bench-delivery bench-tls docs build clean core front-ends

help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: core  ## start a target, run 10,000 connections against it, show the report
	$(VENV)/bin/surgewire demo

test: core $(DONE)/test front-ends  ## run all tests
	$(PY) -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder \
		-m "not serial and not accuracy" $(PYTEST_ARGS)
	$(PY) -m pytest -q -m "serial or accuracy" $(PYTEST_ARGS)

front-ends:  ## install nginx, HAProxy and Node's ws for the tests (apt-get where we are root)
	scripts/front_ends.sh build/front_ends

lint: $(DONE)/lint  ## check style: ruff, cython-lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	PATH="$(VENV)/bin:$$PATH" cython-lint src/_core

types: core $(DONE)/lint  ## check types: mypy, strict
	$(VENV)/bin/mypy

stubs: core $(DONE)/lint  ## check the core's .pyi files against the built modules
	$(VENV)/bin/stubtest --mypy-config-file pyproject.toml --ignore-unused-allowlist \
		--ignore-disjoint-bases \
		--allowlist tests/stubs_allowlist.txt surgewire._core

fuzz: $(DONE)/install $(DONE)/fuzz  ## run each fuzz target for FUZZ_SECONDS
	set -e; for target in tests/fuzz/fuzz_*.py; do \
		echo "== $$target"; FUZZ_SECONDS=$(FUZZ_SECONDS) $(PY) $$target; done

sanitize: $(DONE)/install $(DONE)/test  ## run the core's tests under ASan and UBSan
	SURGEWIRE_BUILD=sanitize $(PY) setup.py -q build --build-lib $(SANITIZE_LIB)
	scripts/with_sanitizers.sh $(PY) -c "from surgewire._core.build_info import PROFILE; \
		assert PROFILE == 'sanitize', PROFILE"
	scripts/with_sanitizers.sh $(PY) -m pytest -q -p no:cacheprovider tests/core $(PYTEST_ARGS)

conformance: core $(DONE)/test  ## run the Autobahn suite and compare with the expected outcome
	$(PY) -m tests.conformance

conformance-full: core $(DONE)/test  ## the same with limits and compression, plain and over TLS
	$(PY) -m tests.conformance --full
	$(PY) -m tests.conformance --full --tls

soak: core $(DONE)/test  ## measure whether memory grows: 40 hours of records, runs of 10 minutes
	SURGEWIRE_SOAK=full $(PY) -m pytest -v -s tests/soak $(PYTEST_ARGS)

survive: core $(DONE)/test  ## kill and stop the processes of SURVIVE_ROUNDS runs at random moments
	SURVIVE_ROUNDS=$(SURVIVE_ROUNDS) SURVIVE_SEED=$(SURVIVE_SEED) \
		$(PY) -m pytest -q tests/integration/test_survival.py $(PYTEST_ARGS)

accuracy: core $(DONE)/test  ## compare reported numbers with servers' own records, full length
	SURGEWIRE_ACCURACY=full $(PY) -m pytest -v -m accuracy $(PYTEST_ARGS)

delivery: core $(DONE)/test  ## compare the account of deliveries with servers' own, full matrix
	SURGEWIRE_DELIVERY=full $(PY) -m pytest -q -n $(JOBS) -m delivery $(PYTEST_ARGS)

bench: core $(DONE)/bench  ## measure our cost beside a bare C client and other clients
	$(PY) benchmarks/run.py $(BENCH_ARGS)

bench-delivery: core $(DONE)/bench  ## measure what deliveries cost, and how large rooms may get
	$(PY) benchmarks/delivery.py $(BENCH_ARGS)

bench-tls: core $(DONE)/bench  ## measure TLS beside openssl s_time and other clients
	$(PY) benchmarks/tls.py $(BENCH_ARGS)

docs: core $(DONE)/test  ## check the links of the docs and run their commands
	$(PY) -m pytest -q tests/test_docs.py tests/test_docs_complete.py $(PYTEST_ARGS)

build: $(DONE)/install  ## make the sdist, and the wheel from the sdist, in dist/
	rm -rf dist
	$(PY) -m build

clean:  ## remove what was built ($(VENV) stays)
	rm -rf build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f src/_core/*.so .coverage
	find src tests benchmarks scripts -name __pycache__ -prune -exec rm -rf {} +

# Which modules are out of date is known to setup.py alone.
core: $(DONE)/install
	$(PY) setup.py -q build_ext --inplace

$(DONE)/venv: scripts/make_venv.sh scripts/check_python.py
	scripts/make_venv.sh $(VENV)
	mkdir -p $(DONE)
	touch $@

$(DONE)/install: $(DONE)/venv pyproject.toml setup.py
	$(PIP) --group build
	$(PIP) --no-build-isolation --editable .
	touch $@

$(DONE)/test $(DONE)/lint $(DONE)/bench $(DONE)/fuzz: $(DONE)/install
	$(PIP) --group $(@F)
	touch $@
