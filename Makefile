# twinnet: `make compare` trains iris in R and in Python and shows that they agree; `make test` proves it.
# Each target sets up what it needs, once; `make help` lists the targets.

SHELL := /bin/bash
PYTHON ?= python3
BUILD := .build
LIBRARY := $(BUILD)/r-library
BIN := .venv/bin
# One BLAS thread on both sides: products of a few rows gain nothing from more, and timings would differ by it.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
export R_LIBS := $(CURDIR)/$(LIBRARY)
export TWINNET_SHARED_DATA := $(CURDIR)/shared_data

R_SOURCES := $(shell find r -name '*.R' -o -name DESCRIPTION -o -name NAMESPACE) shared_data/iris.csv \
	$(wildcard shared_data/experiments/*.json shared_data/golden/*.json) python/twinnet/parity/originals.py

.PHONY: help setup compare test test-full faults test-python test-r lint format check docs fashion bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(BUILD)/r-package $(BUILD)/python ## install R, the Python environment and both packages (once)

compare: setup ## train iris in R and in Python from one seed and show that they agree
	@$(BIN)/twinnet compare iris_dnn

test: test-r ## run all tests: R's own, then Python's and those that drive R from Python
	$(BIN)/pytest tests -m "not full" -n auto --maxprocesses 4

test-full: test-r ## run all tests and the long proofs
	$(BIN)/pytest tests -n auto --maxprocesses 4

faults: setup ## plant porting faults in either language and score what is said of them
	@PYTHONPATH=tests $(BIN)/python -m faults.scoreboard

test-python: setup ## run the tests that need no R
	$(BIN)/pytest tests -m "not full and not needs_r"

test-r: setup ## run R's own tests, which need no Python
	Rscript r/tests/testthat.R

lint: setup $(BUILD)/lintr ## check the style and the types of the code
	$(BIN)/ruff check --config python/pyproject.toml python tests
	$(BIN)/ruff format --check --config python/pyproject.toml python tests
	cd python && ../$(BIN)/mypy twinnet
	Rscript -e 'lints <- lintr::lint_package("r"); print(lints); quit(status = length(lints) > 0)'

format: setup ## format the Python code
	$(BIN)/ruff check --fix --config python/pyproject.toml python tests
	$(BIN)/ruff format --config python/pyproject.toml python tests

check: setup ## run R CMD check on the R package
	mkdir -p $(BUILD)/check
	cd $(BUILD)/check && R CMD build ../../r && _R_CHECK_FORCE_SUGGESTS_=true R CMD check --no-manual twinnet_*.tar.gz
	@! grep -E '^Status:.*(ERROR|WARNING|NOTE)' $(BUILD)/check/twinnet.Rcheck/00check.log

docs: setup $(BUILD)/roxygen2 ## write the R package's man pages and NAMESPACE from its comments
	cd r && Rscript -e 'roxygen2::roxygenise(load_code = "source")'

fashion: setup ## install Fashion-MNIST: Debian's package, or a download
	@$(BIN)/python .ci/install_fashion.py

bench: setup ## measure speed against peers in the same run, as ratios
	$(BIN)/python tests/bench/bench_iris.py
	$(BIN)/python tests/bench/bench_generators.py
	$(BIN)/python tests/bench/bench_mnist_mlp.py
	$(BIN)/python tests/bench/bench_mnist_cnn.py
	$(BIN)/python tests/bench/bench_trace.py

clean: ## remove everything that was built, and the runs
	rm -rf .venv $(BUILD) runs python/*.egg-info python/build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- set-up, each part once ------------------------------------------------------------------------------------

$(BUILD)/system: .ci/install-system
	@mkdir -p $(BUILD)
	@.ci/install-system
	@touch $@

$(BUILD)/python: python/requirements.txt python/pyproject.toml | $(BUILD)/system
	@echo "== Installing Python packages into .venv (two minutes at most; torch is large)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "twinnet needs Python 3.11 or later; choose one with: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement python/requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable python
	@touch $@

$(BUILD)/r-package: $(R_SOURCES) | $(BUILD)/system
	@echo "== Installing the R package into $(LIBRARY)"
	@mkdir -p $(LIBRARY)
	@R CMD INSTALL --library=$(LIBRARY) r > $(BUILD)/r-install.log 2>&1 || { cat $(BUILD)/r-install.log; exit 1; }
	@touch $@

$(BUILD)/lintr $(BUILD)/roxygen2: | $(BUILD)/system
	@.ci/install-system r-cran-$(@F)
	@touch $@
