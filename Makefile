# `make run` is all a newcomer needs: Python 3.11 or newer with venv, and make.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
WORKERS ?= 2

# The tests start some hundred processes: with compiled modules kept, each starts sooner.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run install test lint types imports schema schema-check unit bench faults faults-few lock hooks clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: $(STAMP) ## Install what is missing, then start everything: http://localhost:3000
	@exec $(BIN)/tarn up $(ARGS)

install: $(STAMP) ## Install into .venv

$(BIN)/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(STAMP): requirements.lock pyproject.toml | $(BIN)/uv
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --compile-bytecode -r requirements.lock
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

test: $(STAMP) ## Everything CI checks
	@$(MAKE) --no-print-directory -j2 lint types imports schema-check
	@$(MAKE) --no-print-directory unit faults-few

lint: $(STAMP) ## Style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## Types
	$(BIN)/mypy

imports: $(STAMP) ## The direction of imports
	$(BIN)/lint-imports

schema-check: $(STAMP) ## schema.graphql is what the code says
	$(BIN)/tarn schema --check

unit: $(STAMP) ## Tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not faults" $(ARGS)

faults: $(STAMP) ## Kills real processes of a real `tarn up`, TARN_FAULT_ROUNDS (20) times each
	$(BIN)/pytest -m faults tests tests/faults $(ARGS)

faults-few: $(STAMP) ## Kills everything twice
	TARN_FAULT_ROUNDS=2 TARN_FAULT_PATIENCE=120 $(BIN)/pytest -n $(WORKERS) --dist loadfile tests/faults $(ARGS)

bench: $(STAMP) ## Measures against bare limits
	$(BIN)/python -m benchmarks $(ARGS)

schema: $(STAMP) ## Write schema.graphql
	$(BIN)/tarn schema

lock: $(STAMP) ## Pin what pyproject.toml asks for
	$(BIN)/uv pip compile --quiet --no-emit-index-url --no-header --no-annotate \
		--extra embedded --extra dev pyproject.toml -o requirements.lock

hooks: $(STAMP) ## Check style before every commit
	$(BIN)/pre-commit install

clean: ## Remove .venv and caches; the data in .tarn stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
