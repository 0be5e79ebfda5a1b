.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo serve test lint types unit lock build bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One stamp per lock: a changed lock reinstalls, an unchanged one costs nothing. The locks are complete, so pip resolves nothing.
$(VENV)/.local: requirements-local.lock pyproject.toml
	@echo "installing Sabir into $(VENV) (once, about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sabir needs Python 3.11 or newer; try: make PYTHON=python3.13 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-local.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.local
	@echo "installing the test tools into $(VENV) (once, about two minutes) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

lock: $(VENV)/.dev ## write the three locks anew from pyproject.toml
	@for extra in dev local none; do \
	  case $$extra in dev) args="--extra dev -o requirements-dev.lock";; \
	    local) args="--extra local -c requirements-dev.lock -o requirements-local.lock";; \
	    none) args="-c requirements-dev.lock -o requirements.lock";; esac; \
	  $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header $$args || exit 1; done
