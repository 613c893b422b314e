# Every target is one line a person can read; the scripts they call are beside it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

.PHONY: help run test check golden bench docs lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(READY)  ## start exporter and bridge on SQLite, and say where to look
	@$(BIN)/python scripts/run.py

test: $(READY_DEV)  ## every test, real servers included
	@scripts/install-servers.sh
	@$(BIN)/python -m pytest

check: $(READY_DEV)  ## format, lint, types, import rules, spelling: under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy exporter bridge models runtime grafana tests bench scripts
	PYTHONPATH=. $(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/python -m scripts.docs --check

golden: $(READY_DEV)  ## accept what the programs now print
	$(BIN)/python -m pytest --update-golden -q

bench: $(READY_DEV)  ## every claim against its peer, in one go
	@scripts/install-servers.sh
	@for script in bench/*.py; do $(BIN)/python $$script || exit 1; done

docs: $(READY_DEV)  ## write the generated pages
	$(BIN)/python -m scripts.docs

lock: $(READY_DEV)  ## write constraints.txt from what is installed
	$(BIN)/python scripts/lock.py

clean:  ## remove what the targets above made
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 run"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(READY_DEV): $(READY)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -U "pip>=25.1"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --group dev
	@touch $@
