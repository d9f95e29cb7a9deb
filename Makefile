# Two commands do all the set-up on a fresh machine: `make demo` and `make test`. Nothing else is needed for either.
SHELL := /bin/bash
PYTHON ?= python3
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
# Tests wait a good part of their time, for servers and processes: one more than there are cores on small machines.
WORKERS ?= 3
SEEDS ?= 1000

.PHONY: help demo test test-fast check lock simulate attack answers crash mutants containers counterparts chaos bfcl openapi bench bench-main bench-run bench-turn bench-runtime bench-journal bench-replay bench-backfill bench-retrieval audit clean

help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/run: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Pointsman needs Python 3.11 or newer; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

.venv/dev: requirements-dev.lock .venv/run
	$(PIP) install --require-hashes -r requirements-dev.lock
	touch $@

demo: .venv/run ## the whole job on this machine, embedded: no Docker, no Java, no key
	.venv/bin/pointsman demo $(ARGS)

test: .venv/dev ## everything: unit, integration on embedded servers, real Kafka if there is a JDK or Docker
	.venv/bin/pytest -n $(WORKERS) --dist loadgroup $(ARGS)

test-fast: .venv/dev ## what needs no server
	.venv/bin/pytest -n $(WORKERS) --dist loadgroup --ignore tests/integration --ignore tests/kafka --ignore tests/counterparts $(ARGS)

check: .venv/dev ## lint, format, types, import rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright
	.venv/bin/lint-imports

simulate: .venv/dev ## SEEDS=1000 worlds of the runtime in virtual time, or SEED=42 alone, with its log
	.venv/bin/python tests/simulation/simulate.py $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(ARGS)

attack: .venv/dev ## an attacker chooses the model's answers; looks in the sandbox's books for what should not have happened
	.venv/bin/python ops/attack/main.py $(ARGS)

.cache/bfcl/ready: ops/bfcl/requirements.lock .venv/dev
	$(PIP) install --require-hashes --no-deps --upgrade --target .cache/bfcl -r ops/bfcl/requirements.lock
	touch $@

bfcl: .cache/bfcl/ready ## the functions and calls of the Berkeley Function Calling Leaderboard through our registration; asks no model
	.venv/bin/python ops/bfcl/main.py --data .cache/bfcl/bfcl_eval/data $(ARGS)

openapi: .venv/dev ## 500 OpenAPI documents of others through our import, all their operations; calls nobody (needs npm once)
	.venv/bin/python ops/openapi/main.py $(ARGS)

answers: .venv/dev ## a model's endpoint that answers badly in every known way, at random; ARGS='--runs 5000'
	.venv/bin/python tests/answers/main.py $(ARGS)

crash: .venv/dev ## a worker killed before, during and after every call of its ports; ARGS='--scenario saga --point 17' strikes there only
	.venv/bin/python ops/crash/main.py $(ARGS)

mutants: .venv/dev ## small changes of journal, saga and offset code, and of the Lua scripts: does a test notice?
	.venv/bin/python ops/mutants/main.py $(ARGS)

containers: .venv/dev ## testcontainers and docker compose on a local Docker engine
	.venv/bin/python ops/containers/run.py $(ARGS)

counterparts: .venv/dev ## connectors against real systems, each started from ops/counterparts/; a skipped one says why
	.venv/bin/pytest -n $(WORKERS) --dist loadgroup tests/counterparts $(ARGS)

chaos: .venv/dev ## 10,000 events on real Kafka while workers and broker are killed, frozen, restarted; ARGS=--keep keeps the figures
	.venv/bin/python ops/chaos/main.py $(ARGS)

bench: bench-main bench-turn bench-runtime bench-journal bench-replay bench-backfill bench-retrieval ## all benchmarks

bench-main: .venv/dev ## 1,000 events through the embedded stack and through real Kafka
	.venv/bin/python ops/bench/main.py $(ARGS)

bench-run: .venv/dev ## bench-main in three rounds, then a profile and a flame graph of ours
	.venv/bin/python ops/bench/main.py --rounds 3 $(ARGS)
	.venv/bin/python ops/bench/main.py --profile

bench-turn: .venv/dev ## a model turn of the engine beside the openai SDK, at 1 and at 200 at once; ARGS=--quick for some seconds of it
	.venv/bin/python ops/bench/turn.py $(ARGS)

bench-runtime: .venv/dev ## our runtime beside plain loops and FastStream, on real Kafka; ARGS=--quick for a minute of it
	.venv/bin/python ops/bench/runtime.py $(ARGS)

bench-journal: .venv/dev ## a journal append beside a bare EVALSHA; ARGS=--quick for some seconds of it
	.venv/bin/python ops/bench/journal.py $(ARGS)

bench-backfill: .venv/dev ## live latency with and without a backfill beside it, on real Kafka; ARGS=--quick for a minute of it
	.venv/bin/python ops/bench/backfill.py $(ARGS)

.cache/retrieval/installed: ops/bench/bfcl-requirements.txt .venv/dev
	$(PIP) install --require-hashes --no-deps --upgrade --target $(@D) -r $<
	touch $@

bench-retrieval: .venv/dev .cache/retrieval/installed ## how often the right one of 1,222 functions is among the best ten, and how soon
	.venv/bin/python ops/bench/retrieval.py $(ARGS)

bench-replay: .venv/dev ## 100,000 finished events replayed on real Kafka beside a bare loop; ARGS='--events 10000 --rounds 1' for a quick one
	.venv/bin/python ops/bench/replay.py $(ARGS)

audit: .venv/dev ## known vulnerabilities in what the lock names
	.venv/bin/pip-audit --require-hashes --disable-pip -r requirements.lock

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --extra local --group build $(LOCK) -o requirements.lock
	uv pip compile pyproject.toml --all-extras --group dev -c requirements.lock $(LOCK) -o requirements-dev.lock
	uv pip compile pyproject.toml --extra local --extra all --group build -c requirements-dev.lock $(LOCK) -o requirements-connectors.lock
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --upgrade

clean: ## remove what was made here
	rm -rf .venv .cache dist .pytest_cache .ruff_cache .hypothesis
