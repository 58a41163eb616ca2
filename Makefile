# Nothing has to be done before any of these: each makes the virtualenv first where it is missing or out of date.

.PHONY: install serve demo test check format bench bench-commerce bench-social tracker clean
.DEFAULT_GOAL := install

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
CODE := store ingest query commerce social hitstream tests bench

install: $(STAMP)

# The first Python that is new enough and can make a virtualenv (Debian ships one without ensurepip).
$(STAMP): pyproject.toml constraints.txt
	@for python in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3; do \
	    if $$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        $$python -m venv --clear $(VENV) && break; \
	    fi; \
	done; \
	test -x $(BIN)/python || { echo "make: Python 3.11 or later with venv is needed" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,clients,dev]'
	@touch $@

serve: $(STAMP)
	$(BIN)/hitstream serve $(ARGS)

demo: $(STAMP)
	$(BIN)/hitstream demo $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-cache

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m bench $(ARGS)

bench-commerce: $(STAMP)
	$(BIN)/python -m bench.commerce $(ARGS)

bench-social: $(STAMP)
	$(BIN)/python -m bench.social $(ARGS)

# The browser script, from its source; needs npm. Its directory of packages is kept, for they take longer than the rest.
tracker:
	mkdir -p build/tracker
	cp ingest/tracker/source/* build/tracker
	cd build/tracker && npm ci --ignore-scripts --no-audit --no-fund
	cd build/tracker && node build.mjs ../../ingest/tracker/published

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
