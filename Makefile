# Parlour on one machine: `make run` shows it, `make test` proves it.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
export PORT

.PHONY: run test test-full check bench format clean

# Install what is missing and run everything: database, Redis, web, worker, beat.
run: .venv/installed
	@exec $(BIN)/python -m config.embedded run

# Pass every test, the long ones scaled down (under eight minutes on two cores; much of it is waiting, hence three processes).
test: .venv/installed
	@exec $(BIN)/python -m config.embedded exec -- $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# The same tests at full size.
test-full: .venv/installed
	@exec env FULL=1 $(BIN)/python -m config.embedded exec -- $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# Lint, format, types, import contracts, migrations, deployment checks.
check: .venv/installed
	@exec $(BIN)/python -m config.embedded exec -- bash .ci/check

# Measure a turn (CPU, throughput, connections) and the redactor (leaks, false hits, CPU).
bench: .venv/installed
	@exec $(BIN)/python -m config.embedded exec -- $(BIN)/python -m bench $(ARGS)

# Let the formatter and the linter mend what they can.
format: .venv/installed
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

# Forget the environment and all local data, also what root's servers had to keep outside this folder.
clean:
	@test ! -e .venv/installed || $(BIN)/python -m config.embedded clean
	rm -rf .venv .run

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Parlour needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@echo "Installing the pinned dependencies into .venv (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
