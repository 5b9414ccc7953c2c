# Two commands need nothing but make and Python >= 3.11:
#   make bench   installs into .venv and runs the quick benchmark; results/ has the tables and plots
#   make test    installs into .venv and runs the whole test suite
# UV=1 installs with uv; LOCKED=1 installs the pinned versions of requirements/.

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
INSTALL := $(if $(UV),uv pip install --quiet --python $(RUN),$(RUN) -m pip install --quiet --disable-pip-version-check)
PINNED := $(if $(LOCKED),$(INSTALL) --require-hashes -r requirements/lock.txt &&,)
NODEPS := $(if $(LOCKED),--no-deps,)
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# One sentence about what is missing, or nothing. sys.version_info comes first: it is as old as Python.
MISSING := $(shell "$(PYTHON)" -c 'import sys; \
  old = sys.version_info < (3, 11); \
  old and sys.exit(print("numopt needs Python >= 3.11, found %d.%d: run make PYTHON=python3.11" % sys.version_info[:2])); \
  import importlib.util as u, shutil; \
  u.find_spec("ensurepip") or sys.exit(print("numopt needs the venv module: on Debian run apt-get install python3-venv")); \
  shutil.disk_usage(".").free < 1.5e9 and print("numopt needs 1.5 GB of free disk space here")' \
  2>/dev/null || "$(PYTHON)" --version >/dev/null 2>&1 || echo "$(PYTHON) was not found: run make PYTHON=/path/to/python3.11")
ifneq ($(MISSING),)
$(error $(MISSING))
endif

.PHONY: bench bench-full test test-fast lint lock clean

bench: $(VENV)/installed
	@echo "numopt: compiling the kernels once (about 5 s)"
	@$(ONE_THREAD) $(RUN) -m numopt warmup
	@$(ONE_THREAD) $(RUN) -m numopt bench --quick --time-limit 5 --workers 2 --out results

bench-full: $(VENV)/installed
	@$(ONE_THREAD) $(RUN) -m numopt bench --out results

test: $(VENV)/installed-test
	@$(ONE_THREAD) $(RUN) -m pytest

test-fast: $(VENV)/installed-test
	@$(ONE_THREAD) $(RUN) -m pytest -m "not slow and not cutest and not claims and not exhaustive"

lint: $(VENV)/installed-dev
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m basedpyright

lock:
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra test --extra plot --output-file requirements/lock.txt pyproject.toml

clean:
	rm -rf "$(VENV)" results build dist *.egg-info

$(VENV)/installed: EXTRAS = plot
$(VENV)/installed-test: EXTRAS = test
$(VENV)/installed-dev: EXTRAS = dev
$(VENV)/installed $(VENV)/installed-test $(VENV)/installed-dev: pyproject.toml setup.py | $(VENV)/created
	@echo "numopt: installing numopt[$(EXTRAS)] into $(VENV)"
	@$(PINNED) $(INSTALL) $(NODEPS) -e ".[$(EXTRAS)]"
	@touch "$@"

$(VENV)/created:
	@"$(PYTHON)" -m venv "$(VENV)"
	@touch "$@"
