# Everything from a bare python3: the first target that needs a tool installs it into .venv, at the pinned versions.
# Another Python: make test PYTHON=python3.13        Other extras: .venv/bin/pip install -c constraints.txt torch

PYTHON ?= python3
# What Python has compiled of a module is kept beside it, whatever a container says: a start of nnspec takes a third less.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
RESULTS ?= build/results
DEVICE ?= cpu
# Processes that ask side by side; each loads JAX and the suite.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n : 4)))
SUITE := conformance/nnspec_conformance/suite
EXAMPLES := conformance/examples
REPORT := $(RESULTS)/subjects/reference
# 1: a clause fails on this machine. The site is there to show it; only make test must be green.
CHECK_REFERENCE = XLA_FLAGS="$$(.ci/quick $(BIN)/python)" $(BIN)/nnspec check reference --report $(REPORT) --if-stale --jobs $(JOBS) || [ $$? -eq 1 ]

# What XLA compiled is kept for the next run, apart for each processor: its machine code may not run on another.
# Not for bench, which times compilation.
PROCESSOR := $(shell { grep -E '^(model name|flags|CPU part|Features)' /proc/cpuinfo | sort -u; \
    sysctl machdep.cpu.brand_string machdep.cpu.features; uname -m; } 2>/dev/null | cksum | cut -d' ' -f1)
site serve test matrix compiled: export JAX_COMPILATION_CACHE_DIR = $(CURDIR)/build/compiled/$(PROCESSOR)
site serve test matrix compiled: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS = 0
site serve test matrix compiled: export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES = -1

# Its two halves run side by side: threads of a matrix product that wait for one another take three times the time.
test: export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help site serve test check matrix compiled bench lint format clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help: ## these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

site: $(VENV)/.docs ## check the reference, then build the site into site/
	$(CHECK_REFERENCE)
	$(BIN)/python -m nnspec_site.build

serve: $(VENV)/.docs ## the site on http://127.0.0.1:8000, rebuilt on every change
	$(CHECK_REFERENCE)
	$(BIN)/python -m nnspec_site.build --serve

test: $(VENV)/.test $(VENV)/.docs ## the gate, every test, the suite on the reference and on the oracle, the mutants, the holes
	$(BIN)/nnspec clauses --check
	@mkdir -p build; XLA_FLAGS=$$(.ci/quick $(BIN)/python); export XLA_FLAGS; \
	echo "== XLA's flags:$$XLA_FLAGS (nnspec check reference has its defaults)"; \
	echo "== the suite on the reference, the site's tests and the examples; all other tests beside them, shown afterwards"; \
	$(BIN)/python -m pytest --durations=10 conformance reference/tests --ignore=$(SUITE) --ignore=$(EXAMPLES) > build/other-tests.log 2>&1 & others=$$!; \
	trap 'kill $$others; exit 130' INT TERM; \
	$(BIN)/python -m pytest --durations=10 $(SUITE) --report $(REPORT); status=$$?; \
	$(BIN)/python -m pytest --durations=10 docs || status=1; \
	$(BIN)/python -m pytest --durations=10 $(EXAMPLES) || status=1; \
	$(BIN)/nnspec check numpy_oracle --if-stale || status=1; \
	$(BIN)/nnspec mutants --if-stale || status=1; \
	$(BIN)/nnspec holes --if-stale || status=1; \
	wait $$others || status=1; \
	cat build/other-tests.log; \
	exit $$status

matrix: $(VENV)/.test ## the suite on every installed subject, reports into build/results/
	@for subject in $$($(BIN)/python -c 'from nnspec_conformance.loading import built_in; print(*built_in())'); do \
	    echo "== $$subject"; \
	    $(BIN)/nnspec check $$subject --report $(RESULTS)/subjects/$$subject --jobs $(JOBS); status=$$?; \
	    [ $$status -le 2 ] || exit $$status; \
	done

compiled: # for a shell, where that is: eval "$(make -s compiled)"
	@env | sed -nE "s/^(JAX_(COMPILATION|PERSISTENT)_CACHE_[A-Z_]+)=(.*)/export \1='\3'/p"

bench: $(VENV)/.bench ## time the reference against its peers on this machine (DEVICE=gpu for another device)
	$(BIN)/nnspec bench --device $(DEVICE) --out $(RESULTS)/benchmarks/this-machine-$(DEVICE)

lint: $(VENV)/.lint $(VENV)/.test $(VENV)/.docs ## ruff, pyright, import-linter, codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell

format: $(VENV)/.lint ## what ruff can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what was built; the environment and the download cache stay
	rm -rf build site dist docs/pages/assets/generated

# One stamp an extra, older than the pins: reinstall.
$(VENV)/.%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "== installing nnspec[$*] into $(VENV) (once; some minutes on a slow line)"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[$*]' || \
	    { echo "nnspec: pip could not install nnspec[$*]; its reason is above. A first install needs the network." >&2; exit 1; }
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
	    { echo "nnspec: no $(PYTHON) here; install Python 3.11 or later, or name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "nnspec: $(PYTHON) is $$($(PYTHON) -V 2>&1); nnspec needs 3.11 or later: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	    { echo "nnspec: $(PYTHON) has no venv module; install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
