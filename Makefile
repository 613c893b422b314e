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
	@$(BIN)/python -m scripts.run $(ARGS)

test: $(READY_DEV)  ## every test, real servers included; some with ARGS='-k ledger'
	@scripts/install-servers.sh
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: $(READY_DEV)  ## format, lint, types, import rules, spelling: under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy exporter bridge models runtime grafana tests bench scripts
	PYTHONPATH=. $(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/python -m scripts.docs --check

golden: $(READY_DEV)  ## accept what the programs now print
	@$(BIN)/python -m pytest -q -m 'not e2e' --update-golden

bench: $(READY_DEV)  ## every claim against its peer, in one go
	@scripts/install-servers.sh
	@for script in bench/[!_]*.py; do $(BIN)/python $$script $(ARGS) || exit 1; done

docs: $(READY_DEV)  ## write the generated pages and config.yaml
	@$(BIN)/python -m scripts.docs

lock: $(READY_DEV)  ## write constraints.txt from what is installed
	@$(BIN)/python -m scripts.lock

clean:  ## remove what the targets above made; data/ stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml constraints.txt scripts/venv.sh
	@scripts/venv.sh $(PYTHON) $(VENV)

$(READY_DEV): $(READY)
	@scripts/venv.sh $(PYTHON) $(VENV) dev
