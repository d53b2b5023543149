# Every target sets up .venv itself. PYTHON names the interpreter to start from.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready

.PHONY: demo test check bench fuzz fmt clean setup

demo: $(STAMP)
	@PATH="$(abspath $(BIN)):$$PATH" sh stacks/demo/demo.sh

test: $(STAMP) sshd
	$(BIN)/python -m pytest -n 4 --dist worksteal

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) sshd
	$(BIN)/python -m benchmarks

# MINUTES of generated and mutated configurations against everything that reads one.
MINUTES ?= 10
fuzz: $(STAMP)
	$(BIN)/python tests/fuzz.py $(MINUTES)

fmt: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# The tests run real OpenSSH servers and every shell that the host program supports.
.PHONY: sshd
sshd:
	@sh tests/install-needs.sh

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .demo
