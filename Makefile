.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARCH ?= arm64
BUNDLE = $(or $(wildcard $(BIN)/python),$(PYTHON)) -m infra.bundle

.PHONY: help demo serve test lint types unit fuzz record bench bundle build-ProxyFunction build-AdminFunction lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One stamp per lock: a changed lock reinstalls, an unchanged one costs nothing. The locks are complete, so pip resolves nothing.
$(VENV)/.local: requirements-local.lock pyproject.toml
	@echo "installing Sabir into $(VENV) (once, about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sabir needs Python 3.11 or newer; try: make PYTHON=python3.13 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-local.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.local
	@echo "installing the test tools into $(VENV) (once, about two minutes) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.local ## the README's story on this machine: three simulated providers, whole and streamed, twice each
	@$(BIN)/python -m tests.demo

serve: $(VENV)/.local ## run the local proxy on 127.0.0.1:8787 (ARGS="--port 9000 …"; ARGS=--help explains)
	@$(BIN)/sabir serve $(ARGS)

test: lint types unit ## everything that CI runs

lint: $(VENV)/.dev ## ruff: style and format
	@echo "ruff ..."
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: $(VENV)/.dev ## mypy, strict
	@echo "mypy ..."
	@$(BIN)/mypy --no-error-summary

unit: $(VENV)/.dev ## every test, and the branch coverage of the pure layers
	@$(BIN)/python -m pytest --cov --cov-report= $(ARGS)
	@echo "branch coverage of providers/ and cache/, which must be 100 %:"
	@$(BIN)/coverage report --include='providers/*,cache/*' --fail-under=100

fuzz: $(VENV)/.dev ## look longer for bytes that break a stream translator (N=2000 examples of each property and reader)
	@SABIR_FUZZ=$(or $(N),2000) $(BIN)/python -m pytest -q tests/providers/test_stream_fuzz.py $(ARGS)

record: $(VENV)/.dev ## record a case at a live provider: PROVIDER=groq CASE=text MODEL=… (ARGS=--help explains)
	@$(BIN)/python -m tests.recorder $(PROVIDER) $(CASE) $(if $(MODEL),--model "$(MODEL)") $(ARGS)

bench: $(VENV)/.dev ## what Sabir costs, side by side with a direct call (benchmarks/README.md)
	@$(BIN)/python -m benchmarks $(ARGS)

bundle: ## the Lambda bundle, in build/proxy (ARCH=x86_64 for that processor)
	@$(BUNDLE) --arch "$(ARCH)"

# `sam build` calls these (BuildMethod: makefile) with ARTIFACTS_DIR set; the template's Architecture it does not pass on.
# One bundle serves both functions; the handler tells which one it is.
build-ProxyFunction build-AdminFunction:
	@$(BUNDLE) --out "$(ARTIFACTS_DIR)" --arch "$(ARCH)"

lock: $(VENV)/.dev ## write the three locks anew from pyproject.toml
	@for extra in dev local none; do \
	  case $$extra in dev) args="--extra dev -o requirements-dev.lock";; \
	    local) args="--extra local -c requirements-dev.lock -o requirements-local.lock";; \
	    none) args="-c requirements-dev.lock -o requirements.lock";; esac; \
	  $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header $$args || exit 1; done
	@$(BIN)/python tests/catalog/generate.py

clean: ## remove what was installed and built
	@rm -rf $(VENV) .aws-sam build *.egg-info
