# What each target does is in scripts/dev.py, which also runs without make: `python3 scripts/dev.py test`.
# It makes .venv from the lock files and leaves it alone while its stamp (their hash) fits.

# The first that runs: a shim may be on the path and fail.
PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c '' 2>/dev/null && echo $$p && exit; done; echo python3)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint lock clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\): ## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r target text; do printf '  make %-9s %s\n' "$$target" "$$text"; done

setup: ## make .venv from the lock files, if it is not there
	@$(PYTHON) scripts/dev.py setup

demo: ## run the whole path on simulated data, then serve it; PILOTS=<a,b>, ARCHIVE=<path>, SERVE=0 ends without pages
	@$(PYTHON) scripts/dev.py demo

test: ## run what has to pass before a change is taken in
	@$(PYTHON) scripts/dev.py test

test-all: ## run the slow proofs, too
	@$(PYTHON) scripts/dev.py test-all

lint: ## check style, imports and types
	@$(PYTHON) scripts/dev.py lint

lock: ## write the lock files; UPGRADE=1 takes the newest versions
	@$(PYTHON) scripts/dev.py lock $(if $(UPGRADE),--upgrade)

clean: ## remove .venv and caches; the state of the installation (.ons_bigdata) stays
	rm -rf .venv *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis dbt_project/target dbt_project/logs
