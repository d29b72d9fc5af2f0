# What each target does is in scripts/dev.py, which also runs without make: `python3 scripts/dev.py test`.
# It makes .venv from the lock files and leaves it alone while its stamp (their hash) fits.

# The first that runs: a shim may be on the path and fail.
PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c '' 2>/dev/null && echo $$p && exit; done; echo python3)

.PHONY: demo test test-all lint lock clean

demo: # ARCHIVE=<path> reads an archive, SERVE=0 ends without the web pages
	@$(PYTHON) scripts/dev.py demo

test: # what has to pass before a change is taken in
	@$(PYTHON) scripts/dev.py test

test-all: # the slow proofs too
	@$(PYTHON) scripts/dev.py test-all

lint:
	@$(PYTHON) scripts/dev.py lint

lock: # UPGRADE=1 takes the newest versions
	@$(PYTHON) scripts/dev.py lock $(if $(UPGRADE),--upgrade)

clean: # the state of the installation (.ons_bigdata) stays
	rm -rf .venv *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis dbt_project/target dbt_project/logs
