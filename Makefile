# Set-up and checks of jcsync. Needs make, and Python 3.11 or newer; "make help" lists the targets.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

BIN := .venv/bin
PYTEST_WORKERS ?= 2
ARGS ?=
COVERAGE ?=
export PYTHON

# A .venv that was moved, or whose Python is gone, is not what its stamps say.
$(shell { $(BIN)/python -c '' && [ "$$(cat .venv/.where)" = "$$(pwd -P)" ]; } 2>/dev/null \
	|| rm -f .venv/.demo .venv/.dev .venv/.bench)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  ARGS="…"          more arguments for demo, pytest and bench'
	@echo '  PYTHON=…          the Python that builds .venv'

.PHONY: demo
demo: .venv/.demo ## Install jcsync and walk through the main job on the embedded sandbox
	@$(BIN)/jcsync demo $(ARGS)

.PHONY: test
test: lint pytest ## Install what the tests need and run every check

.PHONY: lint
lint: format ruff types imports docstrings secrets docs ## Run every check but the tests

.PHONY: format
format: .venv/.dev
	@$(BIN)/ruff format --check .

.PHONY: ruff
ruff: .venv/.dev
	@$(BIN)/ruff check .

.PHONY: types
types: .venv/.dev
	@$(BIN)/python -m mypy

.PHONY: imports
imports: .venv/.dev
	@$(BIN)/lint-imports

.PHONY: docstrings
docstrings: .venv/.dev
	@$(BIN)/interrogate --config setup.cfg jcsync

.PHONY: secrets
secrets: .venv/.dev
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --baseline .secrets.baseline

# The warning that is switched off advertises a successor of the theme.
.PHONY: docs
docs: .venv/.dev ## Build the documentation as a site in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: audit
audit: .venv/.dev ## Look the dependencies up in the database of vulnerabilities (needs network)
	@$(BIN)/pip freeze --exclude-editable >.venv/.frozen
	@$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement .venv/.frozen

.PHONY: promises
promises: .venv/.dev ## Live through 20,000 random histories (hours)
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n $(PYTEST_WORKERS) tests/promises/test_histories.py $(ARGS)

.PHONY: pytest
pytest: .venv/.dev ## Run the tests; COVERAGE=--cov measures their coverage, as CI does
	@$(BIN)/python tests/interop/scimmy/install.py >/dev/null
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(COVERAGE) $(ARGS)

.PHONY: bench
bench: .venv/.bench ## Measure initial and no-change runs, beside plain scripts (ten minutes)
	@$(BIN)/python bench/run.py $(ARGS)

.PHONY: bench-memory
bench-memory: .venv/.demo ## Measure how memory grows over 10,000 runs (half an hour)
	@$(BIN)/python bench/memory.py $(ARGS)

.PHONY: man
man: .venv/.demo ## Write the manual pages to build/man, and docs/commands.md
	@$(BIN)/python .ci/man build/man
	@$(BIN)/python .ci/man --markdown docs/commands.md

.PHONY: image
image: ## Build the container image with docker, podman or buildah
	@deploy/build-image.sh

.PHONY: clean
clean: ## Remove .venv, caches and what was built; never configurations or data
	rm -rf .venv .cache build dist jcsync.egg-info htmlcov .coverage .coverage.* coverage.xml
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find jcsync tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.demo .venv/.dev .venv/.bench: setup.cfg pyproject.toml
	@.ci/venv $(@:.venv/.%=%)
