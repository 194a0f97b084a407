# Everything a developer runs. A fresh clone needs a CPython of 3.11 or newer and make; each
# target sets up what it needs in $(VENV), once, and again when pyproject.toml changes.
#
#   make demo     see it work             make docs     the documentation, warnings are errors
#   make test     all checks and tests    make bench    the figures beside their peers
#   make lint     the checks alone        make fuzz     the decoders, FUZZ_SECONDS=60
#   make unit     tests without the slow  make dist     sdist and wheel, the wheel tried out
#   make format   ruff rewrites           make clean    all of that removed
#
# PYTHON=/path/to/python chooses the interpreter, VENV=.venv-3.12 another environment,
# PYTEST_ARGS="-k wire -x" reaches pytest.

VENV ?= .venv
PYTHON ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
FUZZ_SECONDS ?= 60
SPHINX_ARGS ?=
NPM ?= npm

BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check
STAMP := $(VENV)/.bridgekit

CHILD_ROOMS := bridgekit/__init__.py bridgekit/_version.py bridgekit/errors.py \
	bridgekit/data.py bridgekit/scalars.py bridgekit/wire bridgekit/backend

.DELETE_ON_ERROR:
.PHONY: help demo test lint format types unit js docs bench fuzz dist clean venv dev

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed -n '1,11p'

# --- what the targets are for -----------------------------------------------------------------

demo: $(STAMP)-core
	$(BIN)/bridgekit demo

test: lint
	-@$(MAKE) --no-print-directory js
	$(PY) -m pytest --cov --cov-report=term $(PYTEST_ARGS)

unit: $(STAMP)-test
	$(PY) -m pytest -m "not slow and not js and not docs" $(PYTEST_ARGS)

lint: $(STAMP)-dev types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/vermin --quiet --no-tips --violations --target=3.9- $(CHILD_ROOMS)

types: $(STAMP)-dev
	$(BIN)/mypy --strict bridgekit
	$(BIN)/mypy --strict --platform win32 --no-warn-unused-ignores --cache-dir .mypy_cache/win32 bridgekit

format: $(STAMP)-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)-dev
	$(PY) -m sphinx -W --keep-going -b html $(SPHINX_ARGS) docs docs/_build/html

bench: $(STAMP)-bench
	$(PY) -m benchmarks $(BENCH_ARGS)

fuzz: $(STAMP)-fuzz
	$(PY) fuzz/run.py --seconds $(FUZZ_SECONDS)

# The JavaScript hosts and peers; without npm their tests are skipped.
js:
	@if ! command -v $(NPM) >/dev/null 2>&1; then echo "no npm: the JavaScript tests will be skipped"; \
	else find examples tests -name node_modules -prune -o -name package.json -print | while read -r file; do \
		folder=$$(dirname "$$file"); done=$$folder/node_modules/.package-lock.json; \
		if [ -e "$$done" ] && [ ! "$$file" -nt "$$done" ]; then continue; fi; \
		echo "npm install in $$folder"; \
		(cd "$$folder" && if [ -e package-lock.json ]; then $(NPM) ci --no-audit --no-fund; \
			else $(NPM) install --no-audit --no-fund --no-package-lock; fi) || exit 1; \
		mkdir -p "$$folder/node_modules" && touch "$$done"; \
	done; fi

dist: $(STAMP)-dev
	rm -rf dist
	$(PY) -m build --outdir dist .
	rm -rf $(VENV)-wheel
	$(PY) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet dist/*.whl
	cd $(VENV)-wheel && bin/bridgekit demo
	cd $(VENV)-wheel && bin/python ../scripts/check_wheel.py ../dist
	for wheel in dist/*.whl; do \
		$(VENV)-wheel/bin/python -m pip install --quiet "$$wheel[fast,metrics,msgpack,otel,tui,watch]" || exit 1; done
	cd $(VENV)-wheel && bin/python ../scripts/check_wheel.py ../dist fast metrics msgpack otel tui watch
	rm -rf $(VENV)-wheel

clean:
	rm -rf .venv .venv-* dist build docs/_build fuzz-crashes htmlcov .coverage .coverage.*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name node_modules -type d -prune -exec rm -rf {} +

# --- environments, incremental ----------------------------------------------------------------

venv: $(PY)
dev: $(STAMP)-dev

$(PY):
	@found=; \
	for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3.14 python3 python); do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
		then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "bridgekit needs CPython 3.11 or newer with its venv module$(if $(PYTHON), (and $(PYTHON) is not one),);" >&2; \
		echo "install one (on Debian: python3 and python3-venv) or say make PYTHON=/path/to/python" >&2; exit 1; fi; \
	echo "environment $(VENV) from $$found"; \
	"$$found" -m venv --clear $(VENV)
	@# dependency groups came with pip 25.1
	@$(PY) -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (25, 1))' \
		|| $(PIP) install --quiet --upgrade 'pip>=25.1'

$(STAMP)-core: pyproject.toml | $(PY)
	@$(PIP) install --quiet --editable .
	@touch $@

$(STAMP)-test: pyproject.toml | $(PY)
	@$(PIP) install --quiet --editable . --group test
	@touch $(STAMP)-core $@

$(STAMP)-dev: pyproject.toml | $(PY)
	@$(PIP) install --quiet --editable . --group dev
	@touch $(STAMP)-core $(STAMP)-test $@

$(STAMP)-bench: pyproject.toml | $(PY)
	@$(PIP) install --quiet --editable . --group bench
	@touch $(STAMP)-core $@

# atheris has wheels for some platforms only; fuzz/run.py says which engine it used.
$(STAMP)-fuzz: $(STAMP)-test
	@$(PIP) install --quiet --only-binary atheris --group fuzz \
		|| echo "atheris does not install here: fuzzing by random mutation"
	@touch $@
