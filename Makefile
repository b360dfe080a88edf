# One verb per target; `make help` lists them. `make run` and `make test` do all set-up by themselves.
SHELL := /bin/sh
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
TESTS := PYTHONPATH=tests
DATA ?= posthouse-data
# Ports are this plus the usual ones: mx 25, submission 587, submissions 465, imap 143, imaps 993, http 80.
PORT_BASE ?= 21000

.DEFAULT_GOAL := help
.PHONY: help deps run test check unit contract transcripts fuzz integration interop e2e telemetry drills \
        load load-peers load-cluster protos model docs map lock servers clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## The platform on embedded storage, a message flowing end to end, ready for a mail client
	@tools/venv.sh runtime
	@$(BIN)/posthouse up --demo --data $(DATA) --port-base $(PORT_BASE)

deps: ## Make .venv with everything that development and tests need
	@tools/venv.sh dev

test: deps ## Everything: checks, and all tests, on the real servers too
	@tools/test.sh

check: deps ## Formatting, lint, types, layers, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/protos.py --check
	$(BIN)/python tools/docs.py --check

unit: deps ## Unit tests: no network, no servers
	$(PYTEST) tests/unit

contract: deps servers ## One suite per port, on every adapter, real servers included
	$(PYTEST) tests/contract

transcripts: deps ## C:/S: dialogues against the protocol cores and the live servers
	$(PYTEST) tests/transcripts

fuzz: deps ## Parsers and servers fed with mutated input
	$(PYTEST) tests/fuzz

integration: deps servers ## Processes, servers and faults, drills included
	$(PYTEST) tests/integration

interop: deps ## Real mail clients
	$(PYTEST) tests/interop

e2e: deps servers ## The whole road, from SMTP to IMAP
	$(PYTEST) tests/e2e

telemetry: deps ## Traces over real OTLP
	$(PYTEST) tests/telemetry

drills: deps servers ## Faults on clusters of three real servers; slow
	$(PYTEST) -m drill tests

servers: deps ## Install the real servers for tests into ~/.cache/posthouse
	@$(TESTS) $(BIN)/python -m harness.install kafka cassandra versitygw

load: deps ## Measure the embedded platform and print the table with its bars
	$(BIN)/python loadtests/run.py

load-peers: deps ## The same beside Postfix and Dovecot
	$(BIN)/python loadtests/run.py --peers

load-cluster: deps servers ## The same for separate processes over a real Kafka and Cassandra
	$(BIN)/python loadtests/cluster.py

protos: deps ## Generate the Python code of protos/
	$(BIN)/python tools/protos.py

model: deps ## Train the cold-start model that the package ships, and its card
	$(BIN)/python tools/cold_start.py

docs: deps ## Generate the reference pages
	$(BIN)/python tools/docs.py

map: docs ## Generate the tables and diagrams of services/README.md and ARCHITECTURE.md (part of docs)

lock: ## Pin the dependencies anew (needs uv)
	@tools/lock.sh

clean: ## Remove what was made here, but not mail
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
