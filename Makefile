# Everything from a bare python3: the first target that needs a tool installs it into .venv, at the pinned versions.
# Another Python: make test PYTHON=python3.13        Other extras: .venv/bin/pip install -c constraints.txt torch

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RESULTS ?= build/results
DEVICE ?= cpu
REPORT := $(RESULTS)/subjects/reference
# 1: a clause fails on this machine. The site is there to show it; only make test must be green.
CHECK_REFERENCE = $(BIN)/nnspec check reference --report $(REPORT) --if-stale || [ $$? -eq 1 ]

.PHONY: help site serve test check matrix bench lint format clean
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

test: $(VENV)/.test $(VENV)/.docs ## the gate, every test, the suite on the reference and on the oracle, the mutants
	$(BIN)/nnspec clauses --check
	@mkdir -p build; echo "== pytest; the suite on the oracle and the mutants beside it, printed afterwards"; \
	{ $(BIN)/nnspec check numpy_oracle --report $(RESULTS)/subjects/numpy_oracle && $(BIN)/nnspec mutants; } \
	    > build/oracle-and-mutants.log 2>&1 & beside=$$!; \
	$(BIN)/python -m pytest --report $(REPORT); tests=$$?; \
	wait $$beside; others=$$?; \
	cat build/oracle-and-mutants.log; \
	exit $$((tests > others ? tests : others))

matrix: $(VENV)/.test ## the suite on every installed subject, reports into build/results/
	@for subject in $$($(BIN)/python -c 'from nnspec_conformance.loading import built_in; print(*built_in())'); do \
	    echo "== $$subject"; \
	    $(BIN)/nnspec check $$subject --report $(RESULTS)/subjects/$$subject; status=$$?; \
	    [ $$status -le 2 ] || exit $$status; \
	done

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
