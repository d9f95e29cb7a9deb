# Two commands do all the set-up on a fresh machine: `make demo` and `make test`. Nothing else is needed for either.
SHELL := /bin/bash
PYTHON ?= python3
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2

.PHONY: help demo test test-fast check lock containers bench bench-main audit clean

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
	.venv/bin/pytest -n $(WORKERS) --dist loadgroup --ignore tests/integration --ignore tests/kafka $(ARGS)

check: .venv/dev ## lint, format, types, import rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright
	.venv/bin/lint-imports

containers: .venv/dev ## testcontainers and docker compose on a local Docker engine
	.venv/bin/python ops/containers/run.py $(ARGS)

bench: bench-main ## all benchmarks

bench-main: .venv/dev ## 1,000 events through the embedded stack and through real Kafka
	.venv/bin/python ops/bench/main.py $(ARGS)

audit: .venv/dev ## known vulnerabilities in what the lock names
	.venv/bin/pip-audit --require-hashes --disable-pip -r requirements.lock

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --extra local --group build $(LOCK) -o requirements.lock
	uv pip compile pyproject.toml --all-extras --group dev -c requirements.lock $(LOCK) -o requirements-dev.lock
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --upgrade

clean: ## remove what was made here
	rm -rf .venv .cache dist .pytest_cache .ruff_cache .hypothesis
